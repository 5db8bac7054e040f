/** Devices that publish upstream, in tests of the Redis engine. */
import type {
  Store,
  TokenId,
  UpstreamAppend,
  UpstreamAppended,
  UpstreamEntry,
  Watcher,
} from '../../../store/contract.ts'
import { ALL, APP, known, message } from './people.ts'

export interface Publisher {
  readonly tokenId: TokenId
  readonly epoch: number
  publish(payload: string | Uint8Array, extra?: Partial<UpstreamAppend>, retain?: boolean): Promise<UpstreamAppended>
}

/** A device with an open session. */
export async function publisher(store: Store, device: string): Promise<Publisher> {
  const tokenId = await known(store, device)
  const { epoch } = await store.openSession({ tokenId, app: APP, generation: 1, cleanStart: false })
  return {
    tokenId,
    epoch,
    publish(payload, extra = {}, retain = false) {
      const sent = { ...message(`id of ${payload.length}`, payload), retain }
      const fixed = { app: APP, tokenId, generation: 1, epoch, subject: 'state', as: 'stored' } as const
      return store.appendUpstream({ ...fixed, message: sent, ...extra })
    },
  }
}

export const textOf = (entry: UpstreamEntry): string => Buffer.from(entry.payload).toString()

/** Everything that a part holds. */
export async function textsIn(store: Store, part: number, after = 0): Promise<string[]> {
  return (await store.readUpstream(APP, part, after, ALL)).entries.map(textOf)
}

/** Hears of upstream logs alone. */
export class UpstreamEar implements Watcher {
  readonly heard: { app: string; part: number; offset: number; entry: UpstreamEntry | undefined }[] = []

  upstreamAppended(app: string, part: number, offset: number, entry?: UpstreamEntry): void {
    this.heard.push({ app, part, offset, entry })
  }

  privateAppended(): void {}
  broadcastAppended(): void {}
  sessionEnded(): void {}
  cursorMoved(): void {}
  cursorsLost(): void {}
  resync(): void {}
}
