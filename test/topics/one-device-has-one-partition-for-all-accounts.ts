// Do all accounts of one app on one device fall into one partition, so that an account switch is one atomic step?
import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { partitionOf, tokenId } from '../../topics/index.ts'
import { account, appName, KEY, name } from './support/arbitraries.ts'

await t.test('the partition is a function of app and device', async (t) => {
  const property = fc.property(appName, name, account, account, (app, device, one, other) => {
    const partition = partitionOf(tokenId(KEY, { app, device, account: one }))
    assert.equal(partition, partitionOf(tokenId(KEY, { app, device, account: other })))
    return Number.isInteger(partition) && partition >= 0 && partition <= 4_095
  })
  fc.assert(property, { numRuns: 300 })
  t.pass('for every case')
})

await t.test('devices spread over all partitions', async (t) => {
  const perPartition = new Array<number>(4_096).fill(0)
  const devices = 4_096 * 16
  for (let n = 0; n < devices; n++) {
    const partition = partitionOf(tokenId(KEY, { app: 'app', device: `device${n}`, account: '' }))
    perPartition[partition] = (perPartition[partition] ?? 0) + 1
  }
  // 16 on average: none is empty or crowded (each bound has odds of about 1 in 10 000 for fair dice, and the dice are fixed).
  t.ok(Math.min(...perPartition) > 0)
  t.ok(Math.max(...perPartition) < 48)
})
