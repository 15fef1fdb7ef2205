/** The sensor behind the evidence around the time of the incident, with thresholds drawn in and gaps left open. */

import { html, nothing } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import type uPlot from 'uplot';
import * as api from '../core/api';
import { channels, extremes, span, type Channel } from '../core/chart-data';
import { asProblem, desk } from '../core/desk';
import { currentLanguage, number, t } from '../core/i18n';
import { reference, unitName } from '../core/reference';
import { isLight } from '../core/settings';
import { dateTime, moment } from '../core/time';
import type { Topic } from '../core/topics';
import type { IncidentDetail, Series } from '../core/types';
import { drawChart } from './chart';
import { icon } from './icons';
import { measure } from './reading';
import { View } from './view';
import './sensor-chart.css';

/** The chart of an incident that is not over is read again this often, ms; so is one that failed. */
const RELOAD_MS = 60_000;
const MOST_TABS = 6;

@customElement('canh-sensor-chart')
export class SensorChart extends View {
  protected override readonly topics: Topic[] = ['detail', 'theme', 'reference'];
  @state() private chosen = 0;
  @state() private series: Series | null = null;
  @state() private failed: 'missing' | 'failed' | null = null;
  @state() private readout: string | null = null;
  private plot: uPlot | null = null;
  private shown: [number, number] = [0, 0];
  private drawn = '';
  private loaded = '';
  private channel = '';
  private of: string | null = null;
  private reload: ReturnType<typeof setInterval> | undefined;
  private readonly size = new ResizeObserver(([entry]) => {
    const width = Math.floor(entry?.contentRect.width ?? 0);
    if (width) this.plot?.setSize({ width, height: this.plot.height });
  });

  override connectedCallback(): void {
    super.connectedCallback();
    this.reload = setInterval(() => this.again(), RELOAD_MS);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearInterval(this.reload);
    this.size.disconnect();
    this.plot?.destroy();
    this.plot = null;
    this.loaded = this.drawn = '';
  }

  private get channels(): Channel[] {
    return channels(desk.detail?.evidence ?? []);
  }

  private again(): void {
    if (desk.detail?.incident.cleared_at !== null && this.failed !== 'failed') return;
    this.loaded = '';
    this.requestUpdate();
  }

  /** Nothing of one sensor may stand under the name of another. */
  private choose(index: number): void {
    this.chosen = index;
    this.series = this.failed = this.readout = null;
    this.loaded = '';
  }

  protected override willUpdate(): void {
    if (this.of !== desk.selected) {
      this.of = desk.selected;
      this.choose(0);
    }
    const channel = this.channels[this.chosen];
    const { detail } = desk;
    if (!channel || !detail) return;
    // graver evidence may bring another sensor to this place
    const sensor = `${channel.device}\n${channel.metric}`;
    if (sensor !== this.channel) this.choose(this.chosen);
    this.channel = sensor;
    const { id, last_signal_at, cleared_at } = detail.incident;
    const key = [sensor, id, last_signal_at, cleared_at].join('\n');
    if (key === this.loaded) return;
    this.loaded = key;
    void this.load(key, channel, detail);
  }

  private async load(key: string, channel: Channel, { incident, evidence }: IncidentDetail): Promise<void> {
    const shown = span(incident, evidence, reference.heardAt(channel.device), Date.now());
    const [from, to] = shown.map((at) => new Date(at).toISOString()) as [string, string];
    try {
      const series = await api.observations(channel.device, channel.metric, from, to);
      if (key === this.loaded) [this.series, this.failed, this.shown] = [series, null, shown];
    } catch (error) {
      if (key === this.loaded) this.failed = asProblem(error).status === 404 ? 'missing' : 'failed';
    }
  }

  protected override updated(changed: Map<PropertyKey, unknown>): void {
    const field = this.querySelector<HTMLElement>('.chart');
    const { series } = this;
    const looks = `${isLight()} ${currentLanguage()} ${reference.metrics.length}`;
    if (looks === this.drawn && !changed.has('series')) return;
    this.plot?.destroy();
    this.plot = null;
    this.drawn = '';
    if (!field || !series || !desk.detail) return;
    this.drawn = looks;
    this.plot = drawChart(field, series, this.shown, desk.detail.incident.opened_at, (at, value) => {
      this.readout = at === null || value === null ? null : `${dateTime(at * 1000)} · ${measure(value, unitName(series.unit))}`;
    });
    this.size.disconnect();
    this.size.observe(field);
  }

  protected override render() {
    const all = this.channels;
    const channel = all[this.chosen];
    if (!channel) return nothing;
    return html`<section class="block">
      <h3>${t('chart.title')} <small>${this.readout ?? this.dataTo()}</small></h3>
      <div class="chart-tabs" role="tablist">
        ${all.slice(0, MOST_TABS).map((one, index) => html`<button type="button" role="tab" aria-selected=${index === this.chosen}
          @click=${() => this.choose(index)}>${reference.metric(one.metric)} · ${name(one)}</button>`)}
      </div>
      ${this.failed ? html`<p class="note bad" role="alert">${icon('triangle', 15)}<span>${t(`chart.${this.failed}`)}</span></p>` : nothing}
      ${this.series && !this.series.points.length ? html`<p class="note">${t('chart.empty')}</p>` : nothing}
      ${this.extremes()}
      <div class="chart" role="img" aria-label=${this.describe()}></div>
      ${this.series?.gaps.length ? html`<p class="quiet">${t('chart.gaps', { n: this.series.gaps.length })}</p>` : nothing}
    </section>`;
  }

  /** Up to when there are numbers: a curve that stands still must be seen to. */
  private dataTo(): string {
    const last = this.series?.points.at(-1)?.[0];
    return last === undefined ? '' : t('chart.data_to', { time: moment(last, Date.now()) });
  }

  private extremes() {
    const found = this.series && desk.detail && extremes(this.series, desk.detail.incident);
    if (!found) return nothing;
    const unit = unitName(this.series?.unit ?? '');
    const part = (word: string, [at, value]: [number, number]) =>
      html`<span>${word} <b>${measure(value, unit)}</b> ${t('reading.at', { time: moment(at, Date.now()) })}</span>`;
    return html`<p class="extremes">${part(t('chart.newest'), found.newest)}
      ${part(t(found.low ? 'chart.lowest' : 'chart.highest'), found.peak)}</p>`;
  }

  private describe(): string {
    const channel = this.channels[this.chosen];
    const last = this.series?.points.at(-1)?.[1];
    if (!channel || last === undefined || last === null) return t('chart.empty');
    return t('chart.describe', {
      metric: reference.metric(channel.metric), device: name(channel),
      value: `${number(last)} ${unitName(this.series?.unit ?? '')}`,
    });
  }
}

function name({ device, title }: Channel): string {
  return title || reference.device(device);
}
