/** Events of an app as they come. */
import { useState } from 'preact/hooks'
import { Card, Empty, Failure, Notice } from '../parts/basics.tsx'
import { EventTable } from '../parts/event-table.tsx'
import { Check, Choice, Field, Form } from '../parts/form.tsx'
import { useMay } from '../state/context.ts'
import { type LiveEvents, useLiveEvents, type Watched } from '../state/live-events.ts'

const WORDS: Readonly<Record<LiveEvents['state'], string>> = {
  paused: 'paused',
  connecting: 'connecting',
  live: 'live',
  waiting: 'connection lost, trying again',
  refused: 'refused',
}

export function Events() {
  const [watched, setWatched] = useState<Watched>()
  const [filter, setFilter] = useState('')
  const [live, clear] = useLiveEvents(watched)
  const again = () => setWatched((last) => last && { ...last })
  const shown = live.events.filter((event) => filter === '' || JSON.stringify(event).includes(filter))
  return (
    <>
      <Card title="What to watch">
        <Choose isOn={watched !== undefined} start={setWatched} stop={() => setWatched(undefined)} />
      </Card>
      <Card
        title="Events"
        aside={
          <div class="row">
            <span class="muted" role="status">
              {WORDS[live.state]} · {shown.length} shown
            </span>
            <button type="button" onClick={clear}>
              Clear
            </button>
          </div>
        }
      >
        <Failure error={live.error} {...(live.state === 'refused' ? { retry: again } : {})} />
        {live.missed > 0 && (
          <Notice kind="warn">{live.missed} went before they could be read: the log was full.</Notice>
        )}
        {live.events.length > 0 && (
          <Field label="Only with this text" value={filter} set={setFilter} placeholder="token id, message id, type" />
        )}
        {shown.length > 0 && <EventTable label="Events" events={shown} />}
        {live.events.length > 0 && shown.length === 0 && (
          <Empty title="None has this text">Change the filter, or clear it.</Empty>
        )}
        {live.events.length === 0 && live.error === undefined && <Nothing isOn={watched !== undefined} />}
      </Card>
    </>
  )
}

function Nothing({ isOn }: { readonly isOn: boolean }) {
  return isOn ? (
    <Empty title="Waiting for events">
      They show as they happen: a message that was sent with a receipt ends, a token is issued or revoked, a device
      publishes.
    </Empty>
  ) : (
    <Empty title="Nothing is watched">
      Choose an app and start. The console reads as a consumer of its own, and takes nothing from others.
    </Empty>
  )
}

interface ChooseProps {
  readonly isOn: boolean
  readonly start: (watched: Watched) => void
  readonly stop: () => void
}

function Choose({ isOn, start, stop }: ChooseProps) {
  const may = useMay()
  const [app, setApp] = useState('')
  const [from, setFrom] = useState<Watched['from']>('latest')
  const [messages, setMessages] = useState(true)
  const [tokens, setTokens] = useState(true)
  const [upstream, setUpstream] = useState(false)
  const types = [messages && 'message.*', tokens && 'token.*', upstream && 'upstream'].filter(Boolean).join(',')
  const submit = () => {
    if (isOn) stop()
    else start({ app, from, types })
  }
  return (
    <Form label="What to watch" submit={submit}>
      <div class="row search">
        <Field label="App" value={app} set={setApp} isRequired />
        <Choice
          label="Begin with"
          value={from}
          set={setFrom}
          options={[
            ['latest', 'What comes'],
            ['earliest', 'What is stored'],
          ]}
        />
        <button type="submit" class={isOn ? '' : 'primary'} disabled={types === ''}>
          {isOn ? 'Stop' : 'Start'}
        </button>
      </div>
      <div class="row wrap">
        <Check label="Messages that ended" isOn={messages} set={setMessages} isDisabled={isOn} />
        <Check label="Tokens" isOn={tokens} set={setTokens} isDisabled={isOn} />
        <Check
          label={may('messages:read') ? 'What devices publish' : 'What devices publish (needs messages:read)'}
          isOn={upstream}
          set={setUpstream}
          isDisabled={isOn || !may('messages:read')}
        />
      </div>
    </Form>
  )
}
