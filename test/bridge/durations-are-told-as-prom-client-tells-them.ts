// Does a histogram that is counted in plain numbers say, to a scrape and to other processes, what one of prom-client says?
import { Histogram, Registry } from 'prom-client'
import { t } from '../support/tap.ts'
import { PlainHistogram } from '../../common/plain-histogram.ts'

const BUCKETS = [0.001, 0.25, 5]
const VALUES = [0, 0.001, 0.0011, 0.25, 0.3, 5, 5.1, 100, 0.001]

await t.test('the same values, with labels and without', async (t) => {
  const [plain, theirs] = [new Registry(), new Registry()]
  const of = (registers: Registry[], labelNames: ('method' | 'route')[], name: string) => {
    return { name, help: 'Seconds', buckets: BUCKETS, labelNames, registers }
  }
  const first = new PlainHistogram(of([plain], ['method', 'route'], 'seconds'))
  const second = new Histogram(of([theirs], ['method', 'route'], 'seconds'))
  for (const labels of [
    { method: 'GET', route: '/a' },
    { method: 'POST', route: '/"b"\n' },
  ]) {
    const series = first.of(labels)
    for (const value of VALUES) {
      series.observe(value)
      second.observe(labels, value)
    }
  }
  new PlainHistogram(of([plain], [], 'unused')).of({})
  new Histogram(of([theirs], [], 'unused'))
  const unlabelled = new PlainHistogram(of([plain], [], 'alone')).of({})
  const alone = new Histogram(of([theirs], [], 'alone'))
  for (const value of VALUES) {
    unlabelled.observe(value)
    alone.observe(value)
  }
  t.equal(await plain.metrics(), await theirs.metrics())
  // An exemplar belongs to OpenMetrics, which nobody is told here.
  const plainly = (key: string, value: unknown) => (key === 'exemplar' ? undefined : value)
  const told = async (registry: Registry) => JSON.parse(JSON.stringify(await registry.getMetricsAsJSON(), plainly))
  t.same(await told(plain), await told(theirs))
})
