// Do all accounts of one app on one device fall into one partition, so that an account switch is one atomic step?
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { t } from '../support/tap.ts'
import { PARTITIONS } from '../../store/redis/keys.ts'
import { locate } from '../../store/redis/token.ts'
import { tokenId, type Triple } from '../../topics/index.ts'
import { account, appName, KEY, name } from './support/arbitraries.ts'

const partitionOf = (triple: Triple) => locate('push', tokenId(KEY, triple)).base

await t.test('the partition is a function of app and device', async (t) => {
  const property = fc.property(appName, name, account, account, (app, device, one, other) => {
    assert.equal(partitionOf({ app, device, account: one }), partitionOf({ app, device, account: other }))
  })
  fc.assert(property, { numRuns: 300 })
  t.pass('for every case')
})

await t.test('devices spread over all partitions', async (t) => {
  const perPartition = new Map<string, number>()
  const devices = PARTITIONS * 64
  for (let n = 0; n < devices; n++) {
    const partition = partitionOf({ app: 'app', device: `device${n}`, account: '' })
    perPartition.set(partition, (perPartition.get(partition) ?? 0) + 1)
  }
  t.equal(perPartition.size, PARTITIONS)
  // 64 on average: none is empty or crowded (each bound has odds of about 1 in 1,000 for fair dice, and the dice are fixed).
  t.ok(Math.min(...perPartition.values()) >= 30)
  t.ok(Math.max(...perPartition.values()) <= 110)
})
