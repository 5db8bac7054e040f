--[[
  What other nodes are to hear, as MessagePack arrays of events (../events.ts):
    'a', id, offset, entry or false      a private log grew; with offset 0 an entry that is stored nowhere
    'b', app, offset, entry or false     a broadcast log grew, or as above; told to '', the channel that all listen to
    'u', app, part, offset, entry or false   the part of an upstream log grew, or has something that is free again; with
                                         offset 0 an entry that is stored nowhere
    'x', id, offset                      a message of a private log was recalled or replaced
    'y', app, offset                     one of a broadcast log was; told to ''
    'e', id, epoch, reason               a session is over
    'n', name, epoch                     a session that is known by a name is over
    's', name, offset, entry or false    the log of such a session grew
    't', offset, node                    subscriptions were changed by a node; told to ''
    'f', node, offset                    a node has read subscriptions up to there
    'r', table, version                  a row of a table changed; told to ''
    'm', bytes                           what another node tells this one
    'c', id, private, broadcast, marks or false   the cursors moved
    'w', lane, count                     ends each message to one node: how many it was told by this lane, this one among them

  count_wakes  base  -> { count }: how many messages this node was told. One that did not arrive is missing in what it heard
]]
function parts.wakes()
  local ENTRY_BYTES, MESSAGE_BYTES = 16384, 262144
  local COUNT_SECONDS, RENEWED = 86400, 64
  local carried_bytes
  each_batch(function() carried_bytes = {} end)

  local function tell(node, event)
    local events = wakes[node]
    if not events then
      events = {}
      wakes[node] = events
    end
    events[#events + 1] = event
  end

  -- The entry itself, when it is small enough to travel with the wake; false: only the hint.
  local function carried(node, entry)
    local total = (carried_bytes[node] or 0) + #entry
    if #entry > ENTRY_BYTES or total > MESSAGE_BYTES then return false end
    carried_bytes[node] = total
    return entry
  end

  local function count_of(node) return JOURNAL .. KEY.told .. node end

  -- A count ends some time after its node. A node that is told nothing for so long takes that for a loss, and looks again.
  local function number(node, events)
    local count = call('INCR', count_of(node))
    if count % RENEWED == 1 then call('EXPIRE', count_of(node), COUNT_SECONDS) end
    events[#events + 1] = { 'w', JOURNAL, count }
  end

  local function count_wakes() return { tonumber(call('GET', count_of(NODE)) or '0') } end

  return { tell = tell, carried = carried, number = number, count_wakes = count_wakes }
end
