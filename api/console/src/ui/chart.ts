/** Draws one series with uPlot: mean line, band from min to max, thresholds, gaps, the moment of opening. */

import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { columns, valueRange } from '../core/chart-data';
import { number, say } from '../core/i18n';
import { unitName } from '../core/reference';
import { dayMonth, hourMinute } from '../core/time';
import type { Series } from '../core/types';
import { measure } from './reading';
import { level } from './severity';

const HEIGHT = 190;
const ZONE = 'Asia/Ho_Chi_Minh';
const DAY_S = 86_400;

type Readout = (at: number | null, value: number | null) => void;

function ink(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** Draw the series into `field`; the time axis is `span` (ms), also where nothing was measured. */
export function drawChart(field: HTMLElement, series: Series, span: [number, number], openedAt: string, readout: Readout): uPlot {
  const font = `11px ${ink('--font')}`;
  const axis = { stroke: ink('--ink-3'), font, grid: { stroke: ink('--line'), width: 1 }, ticks: { show: false } };
  const options: uPlot.Options = {
    width: Math.max(200, field.clientWidth),
    height: HEIGHT,
    legend: { show: false },
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), ZONE),
    cursor: { y: false, points: { size: 7 } },
    padding: [18, 8, 0, 0],
    scales: { x: { range: () => [span[0] / 1000, span[1] / 1000] }, y: { range: () => valueRange(series) } },
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
      draw: [(plot) => { markOpening(plot, Date.parse(openedAt) / 1000); drawThresholds(plot, series, font); drawUnit(plot, series, font); }],
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

/** Height of a label with its field, px. */
const LABEL = 16;

function drawThresholds(plot: uPlot, series: Series, font: string): void {
  const { bbox } = plot;
  const seen = series.thresholds
    .map((limit) => ({ ...limit, y: Math.round(plot.valToPos(limit.value, 'y', true)) }))
    .filter(({ y }) => y >= bbox.top && y <= bbox.top + bbox.height)
    .sort((a, b) => b.y - a.y);
  for (const { y, severity } of seen) drawLimit(plot, y, ink(`--s${level(severity)}`));
  let below = Infinity;
  for (const { y, severity, label, value } of seen) {
    // lines that lie close together must not have their words on top of each other
    below = Math.min(y, below - LABEL * devicePixelRatio);
    drawLabel(plot, below, `${say(label)} · ${measure(value, unitName(series.unit))}`, ink(`--s${level(severity)}`), font);
  }
}

function drawLimit(plot: uPlot, y: number, color: string): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.setLineDash([5 * devicePixelRatio, 4 * devicePixelRatio]);
  ctx.lineWidth = 1.4 * devicePixelRatio;
  ctx.strokeStyle = color;
  ctx.beginPath();
  ctx.moveTo(bbox.left, y);
  ctx.lineTo(bbox.left + bbox.width, y);
  ctx.stroke();
  ctx.restore();
}

/** Words on a field of their own at the left end of a line, or at the right where they would hide the curve. */
function drawLabel(plot: uPlot, y: number, words: string, color: string, font: string): void {
  const { ctx, bbox } = plot;
  const ratio = devicePixelRatio;
  ctx.save();
  ctx.font = scaled(font);
  ctx.textAlign = 'left';
  ctx.textBaseline = 'middle';
  const width = ctx.measureText(words).width + 10 * ratio;
  const ends = [bbox.left + 5 * ratio, bbox.left + bbox.width - width - 5 * ratio] as const;
  const left = hides(plot, ends[0], width, y) && !hides(plot, ends[1], width, y) ? ends[1] : ends[0];
  ctx.fillStyle = ink('--pane');
  ctx.strokeStyle = color;
  ctx.lineWidth = ratio;
  ctx.beginPath();
  ctx.roundRect(left, y - (LABEL / 2 - 0.5) * ratio, width, (LABEL - 1) * ratio, 3 * ratio);
  ctx.fill();
  ctx.stroke();
  ctx.fillStyle = ink('--ink');
  ctx.fillText(words, left + 5 * ratio, y + 0.5 * ratio);
  ctx.restore();
}

function hides(plot: uPlot, left: number, width: number, y: number): boolean {
  const [at, mean] = plot.data;
  return at.some((seconds, index) => {
    const value = mean?.[index];
    const x = plot.valToPos(seconds, 'x', true);
    return value != null && x > left && x < left + width && Math.abs(plot.valToPos(value, 'y', true) - y) < (LABEL / 2) * devicePixelRatio;
  });
}

/** The unit stands once, above the numbers of the axis. */
function drawUnit(plot: uPlot, series: Series, font: string): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.font = scaled(font);
  ctx.textAlign = 'right';
  ctx.fillStyle = ink('--ink-3');
  ctx.fillText(unitName(series.unit), bbox.left - 8 * devicePixelRatio, bbox.top - 6 * devicePixelRatio);
  ctx.restore();
}

/** The canvas is drawn in device pixels. */
function scaled(font: string): string {
  return font.replace('11px', `${11 * devicePixelRatio}px`);
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
