/** The sensor behind the evidence around the time of the incident, with thresholds drawn in and gaps left open. */

import { html, nothing } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import type uPlot from 'uplot';
import * as api from '../core/api';
import { channels, span, type Channel } from '../core/chart-data';
import { asProblem, desk } from '../core/desk';
import { number, t } from '../core/i18n';
import { reference, unitName } from '../core/reference';
import { dateTime } from '../core/time';
import type { Topic } from '../core/topics';
import type { Series } from '../core/types';
import { drawChart } from './chart';
import { problemText } from './problem-text';
import { View } from './view';
import './sensor-chart.css';

@customElement('canh-sensor-chart')
export class SensorChart extends View {
  protected override readonly topics: Topic[] = ['detail', 'theme', 'reference'];
  @state() private chosen = 0;
  @state() private series: Series | null = null;
  @state() private failed: string | null = null;
  @state() private readout: string | null = null;
  private plot: uPlot | null = null;
  private loaded = '';
  private of: string | null = null;
  private readonly size = new ResizeObserver(([entry]) => {
    const width = Math.floor(entry?.contentRect.width ?? 0);
    if (width) this.plot?.setSize({ width, height: this.plot.height });
  });

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.size.disconnect();
    this.plot?.destroy();
    this.plot = null;
    this.loaded = '';
  }

  private get channels(): Channel[] {
    return channels(desk.detail?.evidence ?? []);
  }

  protected override willUpdate(): void {
    if (this.of !== desk.selected) {
      this.of = desk.selected;
      this.chosen = 0;
      this.series = null;
      this.loaded = '';
    }
    const channel = this.channels[this.chosen];
    const { detail } = desk;
    if (!channel || !detail) return;
    const [from, to] = span(detail.incident, detail.evidence);
    const key = `${channel.device} ${channel.metric} ${detail.incident.id} ${detail.incident.last_signal_at}`;
    if (key === this.loaded) return;
    this.loaded = key;
    void this.load(key, channel, from, to);
  }

  private async load(key: string, channel: Channel, from: number, to: number): Promise<void> {
    const day = (at: number): string => new Date(at).toISOString();
    try {
      const series = await api.observations(channel.device, channel.metric, day(from), day(to));
      if (key === this.loaded) [this.series, this.failed] = [series, null];
    } catch (error) {
      if (key === this.loaded) this.failed = problemText(asProblem(error));
    }
  }

  protected override updated(changed: Map<PropertyKey, unknown>): void {
    if (changed.size === 1 && changed.has('readout')) return;
    const field = this.querySelector<HTMLElement>('.chart');
    this.plot?.destroy();
    this.plot = null;
    const { series } = this;
    if (!field || !series || !desk.detail) return;
    this.plot = drawChart(field, series, desk.detail.incident.opened_at, (at, value) => {
      this.readout = at === null || value === null ? null : `${dateTime(at * 1000)} · ${number(value)} ${unitName(series.unit)}`;
    });
    this.size.disconnect();
    this.size.observe(field);
  }

  protected override render() {
    const all = this.channels;
    const channel = all[this.chosen];
    if (!channel) return nothing;
    return html`<section class="block">
      <h3>${t('chart.title')} <small>${this.readout ?? ''}</small></h3>
      <div class="chart-tabs" role="tablist">
        ${all.slice(0, 6).map((one, index) => html`<button type="button" role="tab" aria-selected=${index === this.chosen}
          @click=${() => { this.chosen = index; this.loaded = ''; }}>
          ${reference.metric(one.metric)} · ${reference.device(one.device)}</button>`)}
      </div>
      ${this.failed ? html`<p class="note bad">${this.failed}</p>` : nothing}
      ${this.series && !this.series.points.length ? html`<p class="note">${t('chart.empty')}</p>` : nothing}
      <div class="chart" role="img" aria-label=${this.describe()}></div>
      ${this.series?.gaps.length ? html`<p class="quiet">${t('chart.gaps', { n: this.series.gaps.length })}</p>` : nothing}
    </section>`;
  }

  private describe(): string {
    const channel = this.channels[this.chosen];
    const last = this.series?.points.at(-1)?.[1];
    if (!channel || last === undefined || last === null) return t('chart.empty');
    return t('chart.describe', {
      metric: reference.metric(channel.metric), device: reference.device(channel.device),
      value: `${number(last)} ${unitName(this.series?.unit ?? '')}`,
    });
  }
}
