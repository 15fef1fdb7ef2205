/** Base of every element of the page: light DOM (one style sheet, one accessibility tree), redrawn on its topics. */

import { LitElement } from 'lit';
import { topics, type Topic } from '../core/topics';

export abstract class View extends LitElement {
  /** What this element shows depends on these; the language always counts. */
  protected readonly topics: Topic[] = [];
  private off: (() => void) | null = null;

  protected override createRenderRoot(): HTMLElement {
    return this;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.off = topics.on([...this.topics, 'lang'], () => this.requestUpdate());
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.off?.();
  }
}
