-- What has expired in a log, and in the message ids that are remembered for it.
function parts.expiry()
  local log_part, ids = need('log'), need('ids')

  -- Removes expired entries; stops after a stretch without any, of so many times 64 offsets, so that a pass over a long log
  -- stays short. A followed message of a private log may be acknowledged late. Returns how many, and when the next of those that it saw expires.
  local function expire_entries(log, stretch)
    local removed, next_expiry, from = 0, math.huge, log.head
    local at_head, without = true, 0
    local late_ack = log.id and LIMIT.late_ack or 0
    while log.count > 0 and from <= log.last do
      local offsets, fields, following = log_part.span(log, from, log.last, 64)
      if #fields == 0 then break end
      local entries = call('HMGET', log_part.entries_of(log), unpack(fields))
      local gone, head = {}, nil
      for i = 1, #offsets do
        if entries[i] then
          local flags, payload, expires = struct.unpack('>BI4I6', entries[i])
          if flags % 4 >= 2 then expires = expires + late_ack end
          if expires <= NOW then
            gone[#gone + 1] = fields[i]
            log.count, log.bytes = log.count - 1, log.bytes - payload
            if log.gone then log.gone(log, entries[i], offsets[i], payload, EXPIRED) end
          else
            head = head or offsets[i]
            next_expiry = math.min(next_expiry, expires)
          end
        end
      end
      if #gone > 0 then
        call('HDEL', log_part.entries_of(log), unpack(gone))
        removed = removed + #gone
        log.dirty = true
      end
      if at_head then log_part.move_head(log, head or following) end
      at_head = at_head and head == nil
      from = following
      without = #gone == 0 and without + 1 or 0
      if head and without >= (stretch or 1) then break end
    end
    if log.count == 0 then log_part.forget_entries(log) end
    return removed, next_expiry
  end

  -- Forgets ids whose time is over, a sample at a time so that a pass stays short.
  -- Returns whether any is left, and when to look again. `forgotten` is told of the offsets of what goes.
  local function expire_ids(key, forgotten)
    local next_look = math.huge
    for _ = 1, 8 do
      local sample = call('HRANDFIELD', key, 128, 'WITHVALUES')
      local gone, offsets = {}, {}
      next_look = math.huge
      for i = 1, #sample, 2 do
        local offset, till = ids.place(sample[i + 1])
        if till <= NOW then
          gone[#gone + 1], offsets[#offsets + 1] = sample[i], offset
        else
          next_look = math.min(next_look, till)
        end
      end
      if #gone > 0 then
        call('HDEL', key, unpack(gone))
        if forgotten then forgotten(offsets) end
      end
      if #gone * 8 < #sample then break end
    end
    return call('EXISTS', key) == 1, next_look
  end

  return { entries = expire_entries, ids = expire_ids }
end
