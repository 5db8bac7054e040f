/** Combines the metrics of several processes: of those that answer in time, and of those that have ended. */
import { AggregatorRegistry, Gauge, type MetricObjectWithValues, type MetricValue, type Registry } from 'prom-client'

export type WorkerMetrics = readonly MetricObjectWithValues<MetricValue<string>>[]

/** Below the time that anybody who scrapes has, ms. */
const ANSWER_MS = 1_000
const UNANSWERED = {
  name: 'push_workers_unanswered',
  help: 'Processes whose numbers are stale or missing, because they did not answer in time',
}

export interface AskedWorker {
  /** Asks for its metrics; the answer comes by `answered`. */
  ask(request: number): void
}

/** Asks them all, and remembers what each said last. */
export class MetricsOfWorkers<W extends AskedWorker> {
  readonly #last = new Map<W, WorkerMetrics>()
  readonly #waiting = new Map<number, { readonly missing: Set<W>; readonly done: () => void }>()
  /** What workers that have ended have counted: a counter does not fall because a process was replaced. */
  #ended: WorkerMetrics = []
  #requests = 0

  async text(workers: readonly W[]): Promise<string> {
    const unanswered = await this.#ask(workers)
    const known = workers.map((worker) => this.#last.get(worker) ?? [])
    const registry = aggregate([...known, this.#ended])
    new Gauge({ ...UNANSWERED, registers: [registry] }).set(unanswered)
    return await registry.metrics()
  }

  answered(worker: W, request: number, metrics: WorkerMetrics): void {
    this.#last.set(worker, metrics)
    const waiting = this.#waiting.get(request)
    waiting?.missing.delete(worker)
    if (waiting?.missing.size === 0) waiting.done()
  }

  async ended(worker: W): Promise<void> {
    for (const { missing, done } of this.#waiting.values()) if (missing.delete(worker) && missing.size === 0) done()
    const last = this.#last.get(worker)
    this.#last.delete(worker)
    if (last === undefined) return
    const counted = last.filter(({ type }) => COUNTED.has(String(type)))
    this.#ended = await aggregate([this.#ended, counted]).getMetricsAsJSON()
  }

  /** Resolves with how many did not answer. */
  #ask(workers: readonly W[]): Promise<number> {
    const request = ++this.#requests
    const missing = new Set(workers)
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer)
        this.#waiting.delete(request)
        resolve(missing.size)
      }
      const timer = setTimeout(done, ANSWER_MS)
      this.#waiting.set(request, { missing, done })
      for (const worker of workers) worker.ask(request)
    })
  }
}

const COUNTED: ReadonlySet<string> = new Set(['counter', 'histogram'])

function aggregate(metrics: readonly WorkerMetrics[]): Registry {
  return AggregatorRegistry.aggregate(metrics.map((each) => [...each]))
}

/** Of one process alone, when the others cannot be asked. */
export async function textOfOne(registry: Registry, others: number): Promise<string> {
  const own = await registry.metrics()
  const { name, help } = UNANSWERED
  return `${own}\n# HELP ${name} ${help}\n# TYPE ${name} gauge\n${name} ${others}\n`
}
