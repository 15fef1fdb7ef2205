/** Tells screen readers what came, at most every ten seconds, and when the feed stops being live. */

import { html } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import { desk } from '../core/desk';
import { phase, type Phase } from '../core/feed-state';
import { t, type Key } from '../core/i18n';
import type { Topic } from '../core/topics';
import { View } from './view';

const QUIET_MS = 10_000;

@customElement('canh-announcer')
export class Announcer extends View {
  protected override readonly topics: Topic[] = ['tick'];
  @state() private said: [Key, Record<string, number>] | null = null;
  private seen: Set<string> | null = null;
  private saidAt = 0;
  private phase: Phase = 'connecting';

  protected override willUpdate(): void {
    const now = Date.now();
    const at = phase(desk.feed, now);
    if (at !== this.phase) {
      this.phase = at;
      this.said = [`feed.${at}`, {}];
      this.saidAt = now;
    } else if (now - this.saidAt >= QUIET_MS && !desk.loading) {
      this.sayNew(now);
    }
  }

  private sayNew(now: number): void {
    const visible = desk.visible();
    const fresh = this.seen === null ? [] : visible.filter(({ id }) => !this.seen?.has(id));
    this.seen = new Set(visible.map(({ id }) => id));
    if (!fresh.length) return;
    const critical = fresh.filter(({ severity }) => severity >= 4).length;
    this.said = ['list.announce', { n: fresh.length, critical }];
    this.saidAt = now;
  }

  protected override render() {
    return html`<p class="sr-only" role="status" aria-live="polite">${this.said ? t(...this.said) : ''}</p>`;
  }
}
