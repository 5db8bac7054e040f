/** What alerts and board ask Prometheus for, and what there is of it in `/metrics`. */
import { document, read } from './files.ts'

export interface Rule {
  readonly alert: string
  readonly expr: string
  readonly annotations: Readonly<Record<string, string>>
}

export function rules(): Rule[] {
  const { groups } = document<{ groups: { rules: Rule[] }[] }>('deploy/prometheus/alerts.yaml')
  return groups.flatMap((group) => group.rules)
}

interface Board {
  readonly panels: readonly { readonly title: string; readonly targets: readonly { readonly expr: string }[] }[]
}

export function board(): Board {
  return JSON.parse(read('deploy/grafana/aedes-push.json')) as Board
}

export interface Asked {
  readonly metric: string
  /** Those that Prometheus adds are left out. */
  readonly labels: readonly string[]
  /** Label and value, where one value is asked for. */
  readonly values: readonly (readonly [label: string, value: string])[]
}

const ADDED = ['instance', 'job', 'le']

/** What an expression asks for; each here is about one metric, or about `up`. */
export function askedBy(expression: string): Asked[] {
  const metrics = new Set([...expression.matchAll(/\bpush_\w+/g)].map(([name]) => name.replace(/_bucket$/, '')))
  const matchers = [...expression.matchAll(/(\w+)(=~?|!=|!~)"([^"]*)"/g)]
  const grouped = [...expression.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, names = '']) => names.split(/,\s*/))
  const labels = [...matchers.map(([, label = '']) => label), ...grouped].filter((label) => !ADDED.includes(label))
  const values = matchers
    .filter(([, label = '', operator]) => operator === '=' && !ADDED.includes(label))
    .map(([, label = '', , value = '']) => [label, value] as const)
  return [...metrics].map((metric) => ({ metric, labels: [...new Set(labels)], values }))
}

/** The names of all metrics, and the labels of all series, of a page of `/metrics`. */
export class Page {
  readonly names: ReadonlySet<string>
  readonly #series: readonly { readonly name: string; readonly labels: ReadonlyMap<string, string> }[]

  constructor(text: string) {
    this.names = new Set([...text.matchAll(/^# TYPE (\w+) /gm)].map(([, name = '']) => name))
    this.#series = [...text.matchAll(/^(\w+)(?:\{(.*)\})? \S+$/gm)].map(([, name = '', labels = '']) => ({
      name,
      labels: new Map([...labels.matchAll(/(\w+)="([^"]*)"/g)].map(([, label = '', value = '']) => [label, value])),
    }))
  }

  hasLabel(metric: string, label: string, value?: string): boolean {
    return this.#series.some(
      ({ name, labels }) =>
        (name === metric || name === `${metric}_bucket`) &&
        (value === undefined ? labels.has(label) : labels.get(label) === value),
    )
  }
}
