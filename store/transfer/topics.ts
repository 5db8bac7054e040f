/** What general topics retain: in the embedded store, or beside the store in Redis. */
import type { RetainedTopic } from '../contract.ts'

export interface TransferTopics {
  /** Each once, those that have not expired. */
  all(): AsyncIterable<RetainedTopic>
  /** That of one topic, if it has one. */
  matching(topic: string): AsyncIterable<RetainedTopic>
  retain(retained: RetainedTopic): Promise<void>
}
