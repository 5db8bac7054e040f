/** Metrics in Prometheus' text format, as numbers. */

export interface Sample {
  /** `principal="device"`; '' for none. */
  readonly labels: string
  readonly value: number
}

const LINE = /^([A-Za-z_:][\w:]*)(?:\{(.*)\})? (\S+)$/

/** By name; a histogram has its own with `_bucket`, `_sum` and `_count`. */
export function parseMetrics(text: string): ReadonlyMap<string, readonly Sample[]> {
  const samples = new Map<string, Sample[]>()
  for (const line of text.split('\n')) {
    const [, name, labels = '', value] = LINE.exec(line) ?? []
    if (name === undefined) continue
    const known = samples.get(name)
    const sample = { labels, value: Number(value) }
    if (known === undefined) samples.set(name, [sample])
    else known.push(sample)
  }
  return samples
}

export function sumOf(samples: readonly Sample[] | undefined): number {
  return (samples ?? []).reduce((sum, { value }) => sum + value, 0)
}

/** The value of a label, where it is the only one. */
export function labelOf({ labels }: Sample): string {
  return /="(.*)"$/.exec(labels)?.[1] ?? ''
}
