/** What views listen to; each emit is one cheap call, Lit joins the redraws. */

export type Topic =
  | 'session'
  | 'lang'
  | 'theme'
  | 'filters'
  | 'incidents'
  | 'counts'
  | 'selection'
  | 'detail'
  | 'feed'
  | 'reference'
  | 'devices'
  | 'notice'
  | 'tick';

type Listener = () => void;

export class Topics {
  private readonly listeners = new Map<Topic, Set<Listener>>();

  on(topics: Topic[], listener: Listener): () => void {
    for (const topic of topics) {
      const set = this.listeners.get(topic) ?? new Set();
      set.add(listener);
      this.listeners.set(topic, set);
    }
    return () => topics.forEach((topic) => this.listeners.get(topic)?.delete(listener));
  }

  emit(topic: Topic): void {
    for (const listener of [...(this.listeners.get(topic) ?? [])]) listener();
  }
}

export const topics = new Topics();

/** One clock for all ticking ages, so that they change together. */
setInterval(() => topics.emit('tick'), 1000);
