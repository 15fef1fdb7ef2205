/** The lists that change rarely: communes, agencies, kinds, metrics; and devices and sources, read again now and then. */

import * as api from './api';
import { currentLanguage, say, t } from './i18n';
import { topics } from './topics';
import type { Agency, Device, Kind, Metric, Source, Zones } from './types';

/** How often devices and sources are read again, ms. */
const REFRESH_MS = 30_000;

class Reference {
  communes: Zones | null = null;
  agencies: Agency[] = [];
  kinds: Kind[] = [];
  metrics: Metric[] = [];
  devices: Device[] = [];
  sources: Source[] | null = null;
  /** Client clock, ms, of when the sources were last read: their states are of then. */
  sourcesAt: number | null = null;
  sourcesFailed = false;
  private names = new Map<string, string>();
  private timer: ReturnType<typeof setInterval> | undefined;

  /** Load everything; a list that fails stays empty and the page goes on without it. */
  async load(): Promise<void> {
    await Promise.allSettled([
      api.communes().then((zones) => {
        this.communes = zones;
        this.names = new Map(zones.features.map(({ properties }) => [properties.code, properties.name]));
      }),
      api.agencies().then((items) => (this.agencies = items)),
      api.kinds().then((items) => (this.kinds = items)),
      api.metrics().then((items) => (this.metrics = items)),
      this.refresh(),
    ]);
    topics.emit('reference');
    clearInterval(this.timer);
    this.timer = setInterval(() => void this.refresh(), REFRESH_MS);
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private async refresh(): Promise<void> {
    const [, sources] = await Promise.allSettled([
      api.devices().then((items) => (this.devices = items)),
      api.sources().then((items) => (this.sources = items)),
    ]);
    this.sourcesFailed = sources.status === 'rejected';
    if (!this.sourcesFailed) this.sourcesAt = Date.now();
    topics.emit('devices');
  }

  get approximate(): boolean {
    return this.communes?.features.some(({ properties }) => properties.approximate) ?? false;
  }

  place(commune: string | null): string {
    if (commune === null) return t('place.unknown');
    return this.names.get(commune) ?? commune;
  }

  agency(id: string | null): string {
    if (id === null) return t('none');
    return this.agencies.find((agency) => agency.id === id)?.name ?? id;
  }

  kind(id: string): string {
    const kind = this.kinds.find((entry) => entry.id === id);
    return kind ? say(kind) : id;
  }

  metric(id: string): string {
    const metric = this.metrics.find((entry) => entry.id === id);
    return metric ? metric[currentLanguage()] : id;
  }

  unit(metric: string): string {
    return unitName(this.metrics.find((entry) => entry.id === metric)?.unit ?? '');
  }

  /** When a device last said something, ms since 1970; 0 when that is not known. */
  heardAt(id: string): number {
    return Date.parse(this.devices.find((device) => device.id === id)?.last_observed_at ?? '') || 0;
  }

  device(id: string | null): string {
    if (id === null) return t('none');
    return this.devices.find((device) => device.id === id)?.title || id;
  }
}

/** UCUM codes as people write them. */
const UNITS: Record<string, string> = {
  '1': '',
  'm3/s': 'm³/s',
  'ug/m3': 'µg/m³',
  'dB[A]': 'dBA',
  Cel: '°C',
};

export function unitName(ucum: string): string {
  return UNITS[ucum] ?? ucum;
}

export const reference = new Reference();
