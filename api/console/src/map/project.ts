/** Pure: Web Mercator on a plain drawing, and geometry as an SVG path. */

export type Box = [west: number, south: number, east: number, north: number];

const mercator = (lat: number): number => (Math.log(Math.tan(Math.PI / 4 + (lat * Math.PI) / 360)) * 180) / Math.PI;

export interface Projection {
  width: number;
  height: number;
  at(lon: number, lat: number): [number, number];
}

/** Fit a box to a width; the height follows. */
export function project([west, south, east, north]: Box, width: number): Projection {
  const scale = width / (east - west);
  const top = mercator(north);
  return {
    width,
    height: (top - mercator(south)) * scale,
    at: (lon, lat) => [(lon - west) * scale, (top - mercator(lat)) * scale],
  };
}

function rings(geometry: GeoJSON.Geometry): GeoJSON.Position[][] {
  if (geometry.type === 'Polygon') return geometry.coordinates;
  if (geometry.type === 'MultiPolygon') return geometry.coordinates.flat();
  return [];
}

export function path(geometry: GeoJSON.Geometry, projection: Projection): string {
  return rings(geometry)
    .map((ring) => `M${ring.map(([lon = 0, lat = 0]) => projection.at(lon, lat).map((v) => v.toFixed(1)).join(' ')).join('L')}Z`)
    .join('');
}

export function boundsOf(geometries: Iterable<GeoJSON.Geometry>): Box | null {
  let box: Box | null = null;
  for (const geometry of geometries) {
    for (const ring of rings(geometry)) {
      for (const [lon = 0, lat = 0] of ring) {
        box = box
          ? [Math.min(box[0], lon), Math.min(box[1], lat), Math.max(box[2], lon), Math.max(box[3], lat)]
          : [lon, lat, lon, lat];
      }
    }
  }
  return box;
}
