-- What has expired in a log, and in the message ids that are remembered for it.
function parts.expiry()
  local log_part = need('log')

  -- Removes expired entries; stops after a stretch without any, of so many times 64 offsets, so that a pass over a long log
  -- stays short. Returns how many, and when the next of those that it saw expires.
  local function expire_entries(log, stretch)
    local removed, next_expiry, from = 0, math.huge, log.head
    local at_head, without = true, 0
    while log.count > 0 and from <= log.last do
      local offsets, fields, following = log_part.span(log, from, log.last, 64)
      if #fields == 0 then break end
      local entries = call('HMGET', log_part.entries_of(log), unpack(fields))
      local gone, head = {}, nil
      for i = 1, #offsets do
        if entries[i] then
          local payload, expires = struct.unpack('>I4I6', entries[i], 2)
          if expires <= NOW then
            gone[#gone + 1] = fields[i]
            log.count, log.bytes = log.count - 1, log.bytes - payload
            if log.gone then log.gone(log, entries[i], offsets[i], payload, true) end
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
  -- Returns whether any is left, and when to look again.
  local function expire_ids(key)
    local next_look = math.huge
    for _ = 1, 8 do
      local sample = call('HRANDFIELD', key, 128, 'WITHVALUES')
      local gone = {}
      next_look = math.huge
      for i = 1, #sample, 2 do
        local _, till = unpack_packed(sample[i + 1])
        if till <= NOW then gone[#gone + 1] = sample[i] else next_look = math.min(next_look, till) end
      end
      if #gone > 0 then call('HDEL', key, unpack(gone)) end
      if #gone * 8 < #sample then break end
    end
    return call('EXISTS', key) == 1, next_look
  end

  return { entries = expire_entries, ids = expire_ids }
end
