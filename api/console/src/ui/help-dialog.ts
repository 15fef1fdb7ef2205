/** The keys of the desk, shown with "?". */

import { html } from 'lit';
import { customElement } from 'lit/decorators.js';
import { t } from '../core/i18n';
import { icon } from './icons';
import { View } from './view';
import './help-dialog.css';

const KEYS = [
  ['j / k', 'help.move'],
  ['Enter', 'help.enter'],
  ['a', 'help.ack'],
  ['r', 'help.resolve'],
  ['/', 'help.search'],
  ['Esc', 'help.escape'],
  ['?', 'help.this'],
] as const;

@customElement('canh-help')
export class HelpDialog extends View {
  private readonly show = (): void => this.querySelector('dialog')?.showModal();
  private readonly key = (event: KeyboardEvent): void => {
    const typing = (event.target as Element).closest?.('input, textarea, select');
    if (event.key === '?' && !typing) this.show();
  };

  override connectedCallback(): void {
    super.connectedCallback();
    addEventListener('canh-help', this.show);
    addEventListener('keydown', this.key);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    removeEventListener('canh-help', this.show);
    removeEventListener('keydown', this.key);
  }

  protected override render() {
    return html`<dialog class="help" aria-label=${t('help.title')}>
      <h2>${t('help.title')}</h2>
      <dl>${KEYS.map(([key, text]) => html`<dt><kbd>${key}</kbd></dt><dd>${t(text)}</dd>`)}</dl>
      <form method="dialog"><button class="primary">${icon('check', 15)}${t('action.understood')}</button></form>
    </dialog>`;
  }
}
