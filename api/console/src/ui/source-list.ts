/** How fresh each source of data is, by when it last observed something; says so itself when that could not be read. */

import { html, nothing } from 'lit';
import { customElement } from 'lit/decorators.js';
import { t } from '../core/i18n';
import { reference } from '../core/reference';
import { moment } from '../core/time';
import type { Topic } from '../core/topics';
import type { Source } from '../core/types';
import { icon } from './icons';
import { View } from './view';
import './age';
import './source-list.css';

const MOST = 12;
const WORST_FIRST = ['silent', 'late', 'never', 'fresh'];

@customElement('canh-sources')
export class SourceList extends View {
  protected override readonly topics: Topic[] = ['reference', 'devices'];

  protected override render() {
    const { sources, sourcesFailed } = reference;
    const sorted = [...(sources ?? [])].sort((a, b) => WORST_FIRST.indexOf(a.state) - WORST_FIRST.indexOf(b.state));
    return html`<section class="block sources ${sourcesFailed ? 'old' : ''}">
      <h3>${t('overview.sources')}</h3>
      ${sourcesFailed ? this.failure() : nothing}
      ${sources?.length || sourcesFailed ? nothing : html`<p class="quiet">${t('overview.no_sources')}</p>`}
      ${sorted.slice(0, MOST).map((source) => this.row(source))}
    </section>`;
  }

  private failure() {
    const at = reference.sourcesAt;
    const words = at === null ? t('source.unread') : t('source.old', { time: moment(at, Date.now()) });
    return html`<p class="note bad" role="alert">${icon('triangle', 15)}<span>${words}</span></p>`;
  }

  private row({ source, state, last_observed_at, refused }: Source) {
    return html`<div class="source-row">
      <i class="fresh-dot ${reference.sourcesFailed ? 'never' : state}"></i><span title=${source.id}>${source.title || source.id}</span>
      <small>${t(`source.${state}`)}${last_observed_at === null ? nothing : html` · <canh-age .when=${last_observed_at}></canh-age>`}${refused
        ? html` · <span class="refused" title=${t('source.refused.why')}>${t('source.refused', { n: refused })}</span>`
        : nothing}</small>
    </div>`;
  }
}
