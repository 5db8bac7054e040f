/** A histogram for what happens with every message: prom-client hashes the labels and prints the bucket at each observation. */
import { Histogram, type HistogramConfiguration, type LabelValues } from 'prom-client'

/** What was observed with the same labels. */
export class Series<Label extends string> {
  readonly labels: LabelValues<Label>
  readonly bounds: readonly number[]
  /** Not cumulative; the last is for what is above every bound. */
  readonly counts: number[]
  sum = 0

  constructor(labels: LabelValues<Label>, bounds: readonly number[]) {
    this.labels = labels
    this.bounds = bounds
    this.counts = Array.from({ length: bounds.length + 1 }, () => 0)
  }

  observe(value: number): void {
    const { bounds, counts } = this
    let at = 0
    while (at < bounds.length && value > (bounds[at] ?? 0)) at += 1
    counts[at] = (counts[at] ?? 0) + 1
    this.sum += value
  }
}

export class PlainHistogram<Label extends string> extends Histogram<Label> {
  readonly #name: string
  readonly #help: string
  readonly #bounds: readonly number[]
  readonly #series: Series<Label>[] = []

  constructor(configuration: HistogramConfiguration<Label> & { readonly buckets: number[] }) {
    super(configuration)
    this.#name = configuration.name
    this.#help = configuration.help
    this.#bounds = configuration.buckets
  }

  /** To be asked for once for the same labels. */
  of(labels: LabelValues<Label>): Series<Label> {
    const series = new Series(labels, this.#bounds)
    this.#series.push(series)
    return series
  }

  /** What prom-client calls for a scrape, and to answer `get`. Its types do not have it; a test holds it against the original. */
  async getForPromString() {
    const values = this.#series.flatMap((series) => this.#valuesOf(series))
    return { name: this.#name, help: this.#help, type: 'histogram', values, aggregator: 'sum' }
  }

  #valuesOf({ labels: sharedLabels, bounds, counts, sum }: Series<Label>) {
    let count = 0
    const buckets = counts.map((ofBucket, at) => {
      count += ofBucket
      return { labels: { le: bounds[at] ?? '+Inf' }, sharedLabels, value: count, metricName: `${this.#name}_bucket` }
    })
    return [
      ...buckets,
      { labels: {}, sharedLabels, value: sum, metricName: `${this.#name}_sum` },
      { labels: {}, sharedLabels, value: count, metricName: `${this.#name}_count` },
    ]
  }
}
