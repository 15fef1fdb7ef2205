/** Draws one series with uPlot: mean line, band from min to max, thresholds, gaps, the moment of opening. */

import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { columns, valueRange } from '../core/chart-data';
import { number, say } from '../core/i18n';
import { dayMonth, hourMinute } from '../core/time';
import type { Series } from '../core/types';
import { level } from './severity';

const HEIGHT = 190;
const ZONE = 'Asia/Ho_Chi_Minh';
const DAY_S = 86_400;

type Readout = (at: number | null, value: number | null) => void;

function ink(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

export function drawChart(field: HTMLElement, series: Series, openedAt: string, readout: Readout): uPlot {
  const font = `11px ${ink('--font')}`;
  const axis = { stroke: ink('--ink-3'), font, grid: { stroke: ink('--line'), width: 1 }, ticks: { show: false } };
  const options: uPlot.Options = {
    width: Math.max(200, field.clientWidth),
    height: HEIGHT,
    legend: { show: false },
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), ZONE),
    cursor: { y: false, points: { size: 7 } },
    scales: { y: { range: () => valueRange(series) } },
    axes: [
      { ...axis, space: 64, size: 42, values: (plot, at) => at.map((s) => timeLabel(s, at, plot)) },
      { ...axis, size: 48, values: (_plot, at) => at.map((value) => number(value)) },
    ],
    series: [
      {},
      { stroke: ink('--accent'), width: 2, points: { show: false }, spanGaps: false },
      { stroke: 'transparent', points: { show: false }, spanGaps: false },
      { stroke: 'transparent', points: { show: false }, spanGaps: false },
    ],
    bands: [{ series: [3, 2], fill: ink('--accent-soft') }],
    hooks: {
      drawClear: [(plot) => shadeGaps(plot, series)],
      draw: [(plot) => { markOpening(plot, Date.parse(openedAt) / 1000); drawThresholds(plot, series, font); }],
      setCursor: [(plot) => {
        const at = plot.cursor.idx;
        readout(at == null ? null : (plot.data[0][at] ?? null), at == null ? null : (plot.data[1]?.[at] ?? null));
      }],
    },
  };
  return new uPlot(options, columns(series), field);
}

/** The hour, and the day under it wherever the day begins or the axis does. */
function timeLabel(seconds: number, all: number[], plot: uPlot): string {
  const first = seconds === all.find((s) => s >= (plot.scales['x']?.min ?? 0));
  const midnight = (seconds + 7 * 3600) % DAY_S === 0;
  const long = (all.at(-1) ?? 0) - (all[0] ?? 0) > 3 * DAY_S;
  if (long) return dayMonth(seconds * 1000);
  return hourMinute(seconds * 1000) + (first || midnight ? `\n${dayMonth(seconds * 1000)}` : '');
}

function drawThresholds(plot: uPlot, series: Series, font: string): void {
  const { ctx, bbox } = plot;
  const ratio = devicePixelRatio;
  ctx.save();
  ctx.font = font.replace('11px', `${11 * ratio}px`);
  ctx.textAlign = 'right';
  ctx.setLineDash([5 * ratio, 4 * ratio]);
  ctx.lineWidth = 1.4 * ratio;
  for (const { value, label, severity } of series.thresholds) {
    const y = Math.round(plot.valToPos(value, 'y', true));
    if (y < bbox.top || y > bbox.top + bbox.height) continue;
    ctx.strokeStyle = ink(`--s${level(severity)}`);
    ctx.fillStyle = ink('--ink-2');
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
    const words = `${say(label)} ${number(value)}`;
    const at = [bbox.left + bbox.width - 4 * ratio, y - 4 * ratio] as const;
    ctx.save();
    ctx.setLineDash([]);
    ctx.lineWidth = 4 * ratio;
    ctx.strokeStyle = ink('--pane');
    ctx.strokeText(words, ...at);
    ctx.restore();
    ctx.fillText(words, ...at);
  }
  ctx.restore();
}

function shadeGaps(plot: uPlot, series: Series): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.fillStyle = ink('--gap');
  for (const [from, to] of series.gaps) {
    const left = Math.max(bbox.left, plot.valToPos(from / 1000, 'x', true));
    const right = Math.min(bbox.left + bbox.width, plot.valToPos(to / 1000, 'x', true));
    if (right > left) ctx.fillRect(left, bbox.top, right - left, bbox.height);
  }
  ctx.restore();
}

function markOpening(plot: uPlot, at: number): void {
  const { ctx, bbox } = plot;
  const x = Math.round(plot.valToPos(at, 'x', true));
  if (x < bbox.left || x > bbox.left + bbox.width) return;
  ctx.save();
  ctx.strokeStyle = ink('--ink-2');
  ctx.lineWidth = devicePixelRatio;
  ctx.beginPath();
  ctx.moveTo(x, bbox.top);
  ctx.lineTo(x, bbox.top + bbox.height);
  ctx.stroke();
  ctx.restore();
}
