--[[
  What other nodes are to hear, as MessagePack arrays of events (../events.ts):
    'a', id, offset, entry or false      a private log grew; with offset 0 an entry that is stored nowhere
    'b', app, offset, entry or false     a broadcast log grew, or as above; told to '', the channel that all listen to
    'u', app, part, offset, entry or false   the part of an upstream log grew, or has something that is free again; with
                                         offset 0 an entry that is stored nowhere
    'x', id, offset                      a message of a private log was recalled or replaced
    'y', app, offset                     one of a broadcast log was; told to ''
    'e', id, epoch, reason               a session is over
    'n', name, epoch, discarded (1 or 0)  a session that is known by a name is over; nothing of it goes on
    's', name, offset, entry or false    the log of such a session grew
    't', offset                          subscriptions changed; told to ''
    'r', table, version                  a row of a table changed; told to ''
    'm', bytes                           what another node tells this one
    'c', id, private, broadcast, marks or false   the cursors moved
]]
function parts.wakes()
  local ENTRY_BYTES, MESSAGE_BYTES = 16384, 262144
  local carried_bytes = {}

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

  return { tell = tell, carried = carried }
end
