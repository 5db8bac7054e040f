/**
 * Messages between nodes other than wakes. They travel as steps, in the batches of other steps, so that they arrive in
 * order and once. In a Cluster, each node uses the lane of one partition for them.
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
