/** Formats times for `log_timestamp_format`, in the zone of this machine and in English. */

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
]
const DAY_MS = 86_400_000

const two = (value: number): string => String(value).padStart(2, '0')
const twelve = (date: Date): number => ((date.getHours() + 11) % 12) + 1

const FIELDS: Readonly<Record<string, (date: Date) => string>> = {
  '%': () => '%',
  A: (date) => DAYS[date.getDay()] ?? '',
  a: (date) => (DAYS[date.getDay()] ?? '').slice(0, 3),
  B: (date) => MONTHS[date.getMonth()] ?? '',
  b: (date) => (MONTHS[date.getMonth()] ?? '').slice(0, 3),
  c: (date) => strftime('%a %b %e %H:%M:%S %Y', date),
  C: (date) => two(Math.floor(date.getFullYear() / 100)),
  D: (date) => strftime('%m/%d/%y', date),
  d: (date) => two(date.getDate()),
  e: (date) => String(date.getDate()).padStart(2),
  F: (date) => strftime('%Y-%m-%d', date),
  H: (date) => two(date.getHours()),
  h: (date) => strftime('%b', date),
  I: (date) => two(twelve(date)),
  j: (date) => String(dayOfYear(date)).padStart(3, '0'),
  k: (date) => String(date.getHours()).padStart(2),
  l: (date) => String(twelve(date)).padStart(2),
  M: (date) => two(date.getMinutes()),
  m: (date) => two(date.getMonth() + 1),
  n: () => ' ',
  p: (date) => (date.getHours() < 12 ? 'AM' : 'PM'),
  R: (date) => strftime('%H:%M', date),
  r: (date) => strftime('%I:%M:%S %p', date),
  S: (date) => two(date.getSeconds()),
  s: (date) => String(Math.floor(date.getTime() / 1000)),
  T: (date) => strftime('%H:%M:%S', date),
  t: () => '\t',
  u: (date) => String(date.getDay() === 0 ? 7 : date.getDay()),
  w: (date) => String(date.getDay()),
  X: (date) => strftime('%H:%M:%S', date),
  x: (date) => strftime('%m/%d/%y', date),
  Y: (date) => String(date.getFullYear()),
  y: (date) => two(date.getFullYear() % 100),
  Z: (date) => zoneName(date),
  z: (date) => zoneOffset(date),
}

/** What is no field stays as it is. */
export function strftime(format: string, date: Date): string {
  return format.replace(/%[EO]?([A-Za-z%])/g, (whole, field: string) => FIELDS[field]?.(date) ?? whole)
}

function dayOfYear(date: Date): number {
  const [first, day] = [
    Date.UTC(date.getFullYear(), 0, 1),
    Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()),
  ]
  return (day - first) / DAY_MS + 1
}

function zoneOffset(date: Date): string {
  const minutes = -date.getTimezoneOffset()
  const size = Math.abs(minutes)
  return `${minutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}${two(size % 60)}`
}

function zoneName(date: Date): string {
  const parts = new Intl.DateTimeFormat('en-US', { timeZoneName: 'short' }).formatToParts(date)
  return parts.find(({ type }) => type === 'timeZoneName')?.value ?? ''
}
