/** Pictures of the map's symbols, drawn here: one shape per severity, and a badge per worst severity of a cluster. */

import { SHAPES } from '../ui/severity';
import type { Colors } from './colors';

const RATIO = 2;
const SIZE = 32;

export interface Picture {
  id: string;
  data: ImageData;
  pixelRatio: number;
}

function field(size: number): [CanvasRenderingContext2D, HTMLCanvasElement] | null {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = size * RATIO;
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (!context) return null;
  context.scale(RATIO, RATIO);
  return [context, canvas];
}

function picture(id: string, size: number, draw: (context: CanvasRenderingContext2D) => void): Picture[] {
  const made = field(size);
  if (!made) return [];
  const [context, canvas] = made;
  draw(context);
  return [{ id, data: context.getImageData(0, 0, canvas.width, canvas.height), pixelRatio: RATIO }];
}

function severityPicture(severity: number, c: Colors): Picture[] {
  return picture(`severity-${severity}`, SIZE, (context) => {
    context.translate(4, 4);
    const shape = new Path2D(SHAPES[severity]);
    context.lineWidth = 4.5;
    context.lineJoin = 'round';
    context.strokeStyle = c['map-label-halo'];
    context.stroke(shape);
    context.fillStyle = c[`s${severity}` as keyof Colors];
    context.fill(shape);
    context.fillStyle = c['severity-ink'];
    context.font = '600 12px "Be Vietnam Pro"';
    context.textAlign = 'center';
    context.fillText(String(severity), 12, severity === 3 ? 18 : 16.3);
  });
}

function clusterPicture(severity: number, c: Colors): Picture[] {
  const middle = 24;
  return picture(`cluster-${severity}`, middle * 2, (context) => {
    const disc = (radius: number, color: string, alpha: number): void => {
      context.globalAlpha = alpha;
      context.fillStyle = color;
      context.beginPath();
      context.arc(middle, middle, radius, 0, Math.PI * 2);
      context.fill();
    };
    const color = c[`s${severity}` as keyof Colors];
    disc(23, color, 0.28);
    disc(17, c['map-label-halo'], 1);
    disc(15.5, color, 1);
  });
}

export function pictures(colors: Colors): Picture[] {
  return [1, 2, 3, 4, 5].flatMap((severity) => [...severityPicture(severity, colors), ...clusterPicture(severity, colors)]);
}
