/**
 * What nodes tell each other beside wakes. It goes the way of all steps, so that it comes in order and not twice, and in the
 * batches of the other steps; in a Cluster each node has the lane of one partition for it.
 */
import type { NodeChannel } from '../contract.ts'
import { PARTITIONS, partitionBase } from './keys.ts'
import type { Lanes } from './lanes.ts'
import type { Nodes } from './nodes.ts'
import { TELL } from './steps.ts'

interface NodeChannelOptions {
  readonly lanes: Lanes
  readonly prefix: string
  readonly node: string
  readonly nodes: Pick<Nodes, 'count'>
}

export function nodeChannel({ lanes, prefix, node, nodes }: NodeChannelOptions): NodeChannel {
  let sum = 0
  for (const byte of Buffer.from(node)) sum += byte
  const base = partitionBase(prefix, sum % PARTITIONS)
  return {
    name: node,
    async tell(told, bytes) {
      await lanes.run(TELL, base, bytes, ...told)
    },
    count: () => nodes.count(),
  }
}
