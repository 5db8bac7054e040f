// Does the cache of records stay within its limit, and keep what is used?
import t from 'tap'
import { Cache } from '../../store/cache.ts'

t.test('a cache', async (t) => {
  const cache = new Cache<number>(100)
  const kept = () => Array.from({ length: 1_000 }, (_, number) => number).filter((n) => cache.get(`${n}`) !== undefined)

  for (let number = 0; number < 1_000; number += 1) {
    cache.set(`${number}`, number)
    t.equal(cache.get('0'), 0, 'what is used stays')
  }
  const numbers = kept()
  t.ok(numbers.length <= 100 && numbers.length >= 50)
  t.equal(numbers.at(-1), 999)
  cache.delete('999')
  t.equal(cache.get('999'), undefined)
  cache.clear()
  t.same(kept(), [])
})
