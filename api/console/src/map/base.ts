/** The base map: an approximate outline of Viet Nam with both archipelagos, drawn for this project, shipped with it. */

import data from '../../data/vietnam.json';

export interface BaseProperties {
  kind: 'land' | 'country' | 'island' | 'reef' | 'archipelago' | 'sea';
  name?: string;
  name_en?: string;
  group?: string;
  /** The name as the map writes it, the country on its own line. */
  label?: string;
  label_en?: string;
}

export type BaseFeature = GeoJSON.Feature<GeoJSON.Geometry, BaseProperties>;

const drawn = data as unknown as GeoJSON.FeatureCollection<GeoJSON.Geometry, BaseProperties>;

const twoLines = (name: string | undefined): string | undefined => name?.replace(' (', '\n(');

export const BASE: typeof drawn = {
  ...drawn,
  features: drawn.features.map((feature) => {
    const { name, name_en } = feature.properties;
    return { ...feature, properties: { ...feature.properties, label: twoLines(name), label_en: twoLines(name_en) } };
  }),
};

export function ofKind(...kinds: BaseProperties['kind'][]): BaseFeature[] {
  return BASE.features.filter(({ properties }) => kinds.includes(properties.kind));
}
