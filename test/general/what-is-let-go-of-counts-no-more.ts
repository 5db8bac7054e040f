// Does a memory budget ask whoever holds most, only while there is too much, and forget what was let go of?
import { t } from '../support/tap.ts'
import { type Holder, MemoryBudget } from '../../broker/session/memory-budget.ts'

const budget = new MemoryBudget(100)

class Queue implements Holder {
  bytes = 0
  shedCount = 0

  add(bytes: number): void {
    this.bytes += bytes
    budget.add(this, bytes)
  }

  shed(): void {
    this.shedCount += 1
    const { bytes } = this
    this.bytes = 0
    budget.remove(this, bytes)
  }
}

const [small, large, last] = [new Queue(), new Queue(), new Queue()]
small.add(40)
large.add(60)
t.equal(large.shedCount, 0, 'as much as is allowed')
last.add(1)
t.equal(large.shedCount, 1)
t.equal(small.shedCount + last.shedCount, 0)
t.equal(budget.bytes, 41)
last.add(200)
t.equal(last.shedCount, 1, 'one that is too large by itself')
t.equal(budget.bytes, 40)
