/** Token ids whose private logs this node follows without a session. Redis keeps a few following nodes for a token id. */
import type { TokenId } from '../contract.ts'
import type { Lanes } from './lanes.ts'
import { Leases } from './leases.ts'
import { FOLLOW } from './steps.ts'
import { locate } from './token.ts'

const LASTS_MS = 10 * 60 * 1000
const RENEWED_MS = 4 * 60 * 1000

interface FollowOptions {
  readonly lanes: Lanes
  readonly prefix: string
  readonly now: () => number
}

export type Follows = Leases<TokenId>

export function createFollows({ lanes, prefix, now }: FollowOptions): Follows {
  return new Leases<TokenId>({
    now,
    lastsMs: LASTS_MS,
    renewedMs: RENEWED_MS,
    write: (tokenIds, until) =>
      Promise.all(
        tokenIds.map((tokenId) => {
          const { base, id } = locate(prefix, tokenId)
          return lanes.run(FOLLOW, base, id, until)
        }),
      ),
  })
}
