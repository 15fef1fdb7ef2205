/** Icons: Lucide's line drawings (ISC), made into elements without any markup text. */

import {
  Activity, AlarmClock, BadgeAlert, Ban, Biohazard, Camera, Car, Check, CheckCheck, ChevronDown, CircleAlert,
  CircleHelp, Cctv, Clock, CloudLightning, CloudRain, Construction, Crosshair, Droplets, FileClock, Flame, FlaskConical,
  Gauge, HeartPulse, Info, Keyboard, Languages, Layers, LifeBuoy, LoaderCircle, Lock, LogOut, MapPin, MapPinOff, Megaphone,
  MessageSquare, Minus, Moon, Mountain, Plug, Plus, Radio, RefreshCw, Search, ServerOff, ShieldAlert, Siren, Sun, SunMoon,
  TrafficCone, Trees, TriangleAlert, Unplug, User, UserPlus, Users, Volume2, Waves, WavesLadder, Wind, X, Baby,
  ArrowDownWideNarrow, type IconNode,
} from 'lucide';

const ICONS = {
  sort: ArrowDownWideNarrow, activity: Activity, alarm: AlarmClock, alert: BadgeAlert, ban: Ban, biohazard: Biohazard, camera: Camera, car: Car,
  check: Check, done: CheckCheck, down: ChevronDown, warning: CircleAlert, help: CircleHelp, cctv: Cctv, clock: Clock,
  storm: CloudLightning, rain: CloudRain, road: Construction, locate: Crosshair, droplets: Droplets, file: FileClock,
  flame: Flame, flask: FlaskConical, gauge: Gauge, medical: HeartPulse, info: Info, keyboard: Keyboard,
  languages: Languages, layers: Layers, rescue: LifeBuoy, loading: LoaderCircle, lock: Lock, logout: LogOut, pin: MapPin,
  'pin-off': MapPinOff, report: Megaphone, comment: MessageSquare, minus: Minus, moon: Moon, mountain: Mountain, plug: Plug,
  plus: Plus, radio: Radio, refresh: RefreshCw, search: Search, outage: ServerOff, shield: ShieldAlert, siren: Siren,
  sun: Sun, 'sun-moon': SunMoon, cone: TrafficCone, trees: Trees, triangle: TriangleAlert, unplug: Unplug, user: User,
  assign: UserPlus, crowd: Users, noise: Volume2, waves: Waves, pool: WavesLadder, wind: Wind, close: X, child: Baby,
} satisfies Record<string, IconNode>;

export type IconName = keyof typeof ICONS;

/** The first part of an incident kind that fits chooses its picture. */
const KINDS: [string, IconName][] = [
  ['fire.forest', 'trees'], ['fire', 'flame'], ['smoke', 'flame'], ['rescue', 'rescue'], ['flood.river', 'waves'],
  ['flood', 'droplets'], ['flashflood', 'mountain'], ['landslide', 'mountain'], ['reservoir', 'pool'], ['rain', 'rain'],
  ['storm', 'storm'], ['air', 'wind'], ['noise', 'noise'], ['water', 'droplets'], ['waste', 'biohazard'],
  ['traffic.jam', 'cone'], ['traffic', 'car'], ['public.crowd', 'crowd'], ['crowd', 'crowd'], ['public', 'siren'],
  ['health.outbreak', 'biohazard'], ['health', 'medical'], ['infosec', 'shield'], ['privacy', 'lock'],
  ['infra.road', 'road'], ['infra.water', 'droplets'], ['infra.telecom', 'radio'], ['infra', 'plug'], ['service.case', 'file'], ['service', 'outage'], ['child', 'child'],
  ['sensor', 'unplug'], ['source', 'unplug'], ['device', 'unplug'], ['unit', 'pin-off'], ['camera', 'cctv'],
  ['citizen', 'report'], ['report', 'report'],
];

export function kindIcon(kind: string): IconName {
  return KINDS.find(([start]) => kind.startsWith(start))?.[1] ?? 'alert';
}

const NS = 'http://www.w3.org/2000/svg';

/** A fresh decorative SVG element; the meaning must stand in text beside it. */
export function icon(name: IconName, size = 16): SVGSVGElement {
  const svg = document.createElementNS(NS, 'svg');
  const frame = { viewBox: '0 0 24 24', width: size, height: size, fill: 'none', stroke: 'currentColor', 'aria-hidden': 'true' };
  for (const [key, value] of Object.entries({ ...frame, 'stroke-width': 1.8, 'stroke-linecap': 'round', 'stroke-linejoin': 'round' })) {
    svg.setAttribute(key, String(value));
  }
  svg.classList.add('icon');
  for (const [tag, attributes] of ICONS[name]) {
    const part = document.createElementNS(NS, tag);
    for (const [key, value] of Object.entries(attributes)) part.setAttribute(key, String(value));
    svg.append(part);
  }
  return svg;
}
