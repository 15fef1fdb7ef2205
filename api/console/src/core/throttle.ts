/** Pure but for the timer: joins many calls into few, and never puts one off for ever, however fast they come. */

export class Throttle {
  private timer: ReturnType<typeof setTimeout> | undefined;
  private running = false;
  private again = false;

  /** Run `job` at most once in `ms`, and never twice at the same time. */
  constructor(
    private readonly job: () => Promise<void> | void,
    private readonly ms: number,
  ) {}

  /** Ask for a run; one that begins after this call follows within `ms` of the end of the run before it. */
  ask(): void {
    if (this.running) this.again = true;
    else this.timer ??= setTimeout(() => void this.run(), this.ms);
  }

  stop(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.again = false;
  }

  private async run(): Promise<void> {
    this.timer = undefined;
    this.running = true;
    try {
      await this.job();
    } finally {
      this.running = false;
      if (this.again) {
        this.again = false;
        this.ask();
      }
    }
  }
}
