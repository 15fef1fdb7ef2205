/** Why this is an incident: each signal with its rule, version, distance, delay, value and threshold. */

import { html, nothing } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import { desk } from '../core/desk';
import { number, say, t, tMaybe } from '../core/i18n';
import { reference } from '../core/reference';
import { dateTime } from '../core/time';
import type { Topic } from '../core/topics';
import type { Evidence } from '../core/types';
import { severityMark } from './severity';
import { View } from './view';
import './evidence-list.css';

/** So many are shown at first. */
const FIRST = 5;

@customElement('canh-evidence')
export class EvidenceList extends View {
  protected override readonly topics: Topic[] = ['detail', 'reference'];
  @state() private all = false;

  protected override render() {
    const evidence = [...(desk.detail?.evidence ?? [])].sort((a, b) => (a.signal.observed_at < b.signal.observed_at ? 1 : -1));
    const shown = this.all ? evidence : evidence.slice(0, FIRST);
    return html`<section class="block">
      <h3>${t('evidence.title')} <small>${evidence.length}</small></h3>
      ${evidence.length ? nothing : html`<p class="quiet">${t('evidence.none')}</p>`}
      <ul class="evidence">${shown.map((one) => this.one(one))}</ul>
      ${evidence.length > shown.length
        ? html`<button type="button" class="ghost wide" @click=${() => (this.all = true)}>${t('evidence.all', { n: evidence.length })}</button>`
        : nothing}
    </section>`;
  }

  private one({ link, signal, device_title }: Evidence) {
    const facts = [
      t('evidence.rule', { rule: link.rule, version: link.rule_version }),
      link.distance_m === null ? '' : t('change.distance', { m: number(link.distance_m, 0) }),
      t('change.delay', { s: number(link.delay_s, 0) }),
    ].filter(Boolean);
    return html`<li>
      <div class="evidence-head">
        ${severityMark(signal.severity, 16)}
        <b>${say(signal.title)}</b>
        <span class="tag ${signal.action}">${tMaybe(`signal.${signal.action}`) ?? signal.action}</span>
      </div>
      ${signal.metric !== null && signal.value !== null ? this.value(signal.metric, signal.value, signal.threshold) : nothing}
      <p class="quiet">${signal.device === null ? '' : `${device_title || reference.device(signal.device)} · `}${dateTime(signal.observed_at)}</p>
      <p class="quiet mono">${facts.join(' · ')}</p>
    </li>`;
  }

  private value(metric: string, value: number, threshold: number | null) {
    const unit = reference.unit(metric);
    return html`<p class="evidence-value">${reference.metric(metric)} <b>${number(value)} ${unit}</b>
      ${threshold === null
        ? nothing
        : html`<span>${t('evidence.threshold', { value: `${number(threshold)} ${unit}`.trim() })}</span>`}</p>`;
  }
}
