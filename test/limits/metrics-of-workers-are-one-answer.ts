// Do metrics come when a worker is silent, marked; and does no counter fall when one is replaced?
import { Counter, Gauge, Registry } from 'prom-client'
import { t } from '../support/tap.ts'
import { MetricsOfWorkers, textOfOne, type AskedWorker } from '../../server/worker-metrics.ts'

class FakeWorker implements AskedWorker {
  silent = false
  readonly registry = new Registry()
  readonly counter = new Counter({ name: 'push_things_total', help: 'things', registers: [this.registry] })
  readonly gauge = new Gauge({ name: 'push_now', help: 'now', registers: [this.registry] })
  readonly #all: MetricsOfWorkers<FakeWorker>

  constructor(all: MetricsOfWorkers<FakeWorker>) {
    this.#all = all
    this.counter.inc(5)
    this.gauge.set(3)
  }

  ask(request: number): void {
    if (this.silent) return
    void this.registry.getMetricsAsJSON().then((metrics) =>
      // As it comes from another process: no longer its own objects.
      this.#all.answered(this, request, structuredClone(metrics)),
    )
  }
}

const valueOf = (text: string, name: string) => Number(new RegExp(`^${name} (\\d+)`, 'm').exec(text)?.[1])

t.test('all answer, one is silent, one ends', async (t) => {
  const all = new MetricsOfWorkers<FakeWorker>()
  const [one, two] = [new FakeWorker(all), new FakeWorker(all)]
  const seen = async (...workers: FakeWorker[]) => {
    const text = await all.text(workers)
    return ['push_things_total', 'push_now', 'push_workers_unanswered'].map((name) => valueOf(text, name))
  }
  t.same(await seen(one, two), [10, 6, 0])
  two.silent = true
  one.counter.inc()
  two.counter.inc(100)
  t.same(await seen(one, two), [11, 6, 1], 'what it said last, and that it is old')
  await all.ended(two)
  t.same(await seen(one), [11, 3, 0], 'what it has counted stays, what it had is gone')
  await all.ended(one)
  const three = new FakeWorker(all)
  t.same(await seen(three), [16, 3, 0])
})

t.test('one that ends while it is asked is not waited for', async (t) => {
  const all = new MetricsOfWorkers<FakeWorker>()
  const [one, two] = [new FakeWorker(all), new FakeWorker(all)]
  two.silent = true
  const text = all.text([one, two])
  await all.ended(two)
  t.equal(valueOf(await text, 'push_workers_unanswered'), 0)
})

t.test('one alone says how many are missing', async (t) => {
  const text = await textOfOne(new FakeWorker(new MetricsOfWorkers()).registry, 2)
  t.equal(valueOf(text, 'push_things_total'), 5)
  t.equal(valueOf(text, 'push_workers_unanswered'), 2)
})
