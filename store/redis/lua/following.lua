--[[
  What is asked about messages, and what takes them out (../../following-contract.ts). An id that is not remembered is looked
  for in what is pending, a portion a step: `from` is 0 at first, and then where the step before says to go on.

  message_status    base, id, message id, from   -> TOKEN_UNKNOWN, { }: not known, { where to go on } or { state, stored, expires }
  broadcast_status  base, message id, from
                    -> as message_status, or { state, stored, expires, acknowledged, sent }
  recall            base, id, message id, from
                    -> as message_status, or { state, stored, expires, may have been seen }
  recall_broadcast  base, app, message id, from  -> as recall, without TOKEN_UNKNOWN
  count_broadcasts  base, offset, acknowledged, sent, offset, acknowledged, sent, ...  -> { }
  tell_private      base, id, app or '', only current, entry, generation or false
                    -> TOKEN_UNKNOWN, TOKEN_REVOKED, TOKEN_SUPERSEDED or { somebody was told, wake this node }
  tell_broadcast    base, app, entry             -> { }
]]
function parts.following()
  local token = need('token')
  local log = need('log')
  local ids = need('ids')
  local wake = need('wakes')
  local outcome = need('outcome')
  local removal = need('removal')
  local broadcast = need('broadcast')
  local steps = {}
  -- Looked at in one step, to find an id.
  local PORTION, PORTION_BYTES = 128, 1048576

  local function entry_at(record, offset)
    return record.count > 0 and call('HGET', log.entries_of(record), pack(record.serial, offset)) or nil
  end

  local function times_of(entry)
    local expires, stored = struct.unpack('>I6I6', entry, 6)
    return stored, expires
  end

  -- Offset and entry of a pending message, or where to go on, or nothing.
  local function search(record, id, from)
    if record.count == 0 then return nil end
    local most = math.max(1, math.min(PORTION, math.floor(PORTION_BYTES / (record.bytes / record.count + 1))))
    local offsets, fields, following = log.span(record, math.max(from, record.head), record.last, most)
    if #offsets == 0 then return nil end
    local entries = call('HMGET', log.entries_of(record), unpack(fields))
    for i = 1, #offsets do
      local entry = entries[i]
      if entry and ids.of(entry) == id then
        local _, expires = times_of(entry)
        if expires > NOW then return offsets[i], entry end
      end
    end
    return nil, nil, following <= record.last and following or nil
  end

  -- Of an id that is remembered, with its entry where that is still there: state, stored, expires.
  local function state_of(record, known, entry)
    local stored, expires = known.stored, known.expires
    if entry then stored, expires = times_of(entry) end
    if known.ended > 0 then return outcome.NAMES[known.ended], stored, expires end
    if entry then return expires > NOW and 'pending' or 'expired', stored, expires end
    if record.id then return 'acknowledged', stored, expires end
    return expires > NOW and 'dropped' or 'expired', stored, expires
  end

  -- What is known of an id: { state, stored, expires }, offset; { where to go on } or { }.
  local function status(record, id, from)
    local known = from == 0 and ids.find(outcome.key_of(record, KEY.ids), id)
    if known then
      local entry = known.ended == 0 and entry_at(record, known.offset) or nil
      return { state_of(record, known, entry) }, known.offset, known
    end
    local offset, entry, following = search(record, id, from)
    if offset then
      return { 'pending', times_of(entry) }, offset
    end
    return { following }
  end

  function steps.message_status(step)
    local record = token.of(step[2], step[3])
    if not record then return 'TOKEN_UNKNOWN' end
    return (status(record, step[4], step[5]))
  end

  function steps.broadcast_status(step)
    local base = step[2]
    local result, offset = status(broadcast.app_of(base), step[3], step[4])
    if not offset then return result end
    local acknowledged, sent = outcome.counts_of(base, offset)
    result[4], result[5] = acknowledged or 0, sent or 0
    return result
  end

  -- `tell` hears of what was pending; `forget` takes the message out of what is retained.
  local function recall(record, id, from, tell, forget)
    local result, offset, known = status(record, id, from)
    if not offset then return result end
    local seen = true
    if result[1] ~= 'acknowledged' and result[1] ~= 'sent' then
      if known and known.ended > 0 then seen = not known.unseen else seen = outcome.may_be_seen(record, offset) end
    end
    if result[1] == 'pending' then
      removal.take(record, offset, RECALLED)
      tell(offset)
      result[1] = 'recalled'
    end
    forget(offset)
    result[4] = seen
    return result
  end

  function steps.recall(step)
    local _, base, id, message, from = unpack(step)
    local record = token.of(base, id)
    if not record then return 'TOKEN_UNKNOWN' end
    return recall(record, message, from, function(offset) removal.tell(record, offset) end, function(offset)
      removal.forget_retained(record, offset)
    end)
  end

  function steps.recall_broadcast(step)
    local _, base, app, message, from = unpack(step)
    local record = broadcast.app_of(base)
    return recall(record, message, from, function(offset) wake.tell('', { 'y', app, offset }) end, function(offset)
      broadcast.forget_offset(record, offset)
    end)
  end

  -- Only of those whose ids are remembered: counted before, or in the log still.
  function steps.count_broadcasts(step)
    local base = step[2]
    local record = broadcast.app_of(base)
    for i = 3, #step, 3 do
      local offset = step[i]
      local is_known = outcome.counts_of(base, offset) ~= nil
      if not is_known then
        local entry = entry_at(record, offset)
        if entry and outcome.has(entry, outcome.FOLLOWED) then
          local _, expires = times_of(entry)
          is_known = expires > NOW
        end
      end
      if is_known then outcome.count(base, offset, step[i + 1], step[i + 2]) end
    end
    return {}
  end

  function steps.tell_private(step)
    local _, base, id, app, only_current, entry, generation = unpack(step)
    local record = token.of(base, id)
    local refused = generation and token.refusal(record, generation)
    if refused then return refused end
    if not record or (app ~= '' and app ~= record.app) then return 'TOKEN_UNKNOWN' end
    if token.has(record, token.REVOKED) then return 'TOKEN_REVOKED' end
    if only_current and not token.has(record, token.CURRENT) then return 'TOKEN_SUPERSEDED' end
    local told, here = false, false
    removal.each_hearer(record, function(node)
      told = true
      if node == NODE then here = true else wake.tell(node, { 'a', id, 0, entry }) end
    end)
    return { told, here }
  end

  function steps.tell_broadcast(step)
    wake.tell('', { 'b', step[3], 0, step[4] })
    return {}
  end

  return steps
end
