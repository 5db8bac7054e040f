--[[
  A log: one field of a hash per entry. What is known about it (last, head, count, bytes, gaps) is in the record of its
  token or app:
    last   the highest offset ever given; a log begins at a time, see `begin`
    head   where the first pending entry is, or a little before it; only with count > 0
    count  pending entries, bytes: their payload bytes
    web_push, web_push_bytes   of a private log: those of them that came through a Web Push endpoint (web_push.lua), which take
           no place of the others; nil where there is none
    gaps   offsets that were jumped over while entries were pending: { from, to, from, to, ... }
  An entry begins with a byte of flags, 4 bytes payload length and 6 bytes expiry (../entry.ts).
  A log that has a function `gone` is told of each entry that goes: log, entry, offset, payload bytes, and what it ended as,
  a number of ENDS; nil: the cursor passed it.
]]
function parts.log()
  -- Arguments of one call; Lua's stack is not endless.
  local TOGETHER = 256

  local function field_of(log, offset) return pack(log.serial, offset) end

  local function write(key)
    local waiting = unwritten[key]
    if not waiting then return end
    unwritten[key] = nil
    call('HSET', key, unpack(waiting, 1, waiting.count))
  end

  -- The key of the entries, to look at them or to remove some.
  local function entries_of(log)
    write(log.entries)
    return log.entries
  end

  local function write_later(key, field, entry)
    local waiting = unwritten[key]
    if not waiting then
      waiting = { count = 0 }
      unwritten[key] = waiting
    end
    local count = waiting.count
    waiting[count + 1], waiting[count + 2], waiting.count = field, entry, count + 2
    if count + 2 >= TOGETHER then write(key) end
  end

  local function skip_gaps(log, offset)
    local gaps = log.gaps
    if gaps then
      for i = 1, #gaps, 2 do
        if offset >= gaps[i] and offset <= gaps[i + 1] then offset = gaps[i + 1] + 1 end
      end
    end
    return offset
  end

  -- Up to `most` offsets from `from` to `to` that may hold an entry, their fields, and where to go on.
  local function span(log, from, to, most)
    local offsets, fields = {}, {}
    local offset = skip_gaps(log, from)
    while offset <= to and #offsets < most do
      offsets[#offsets + 1] = offset
      fields[#fields + 1] = field_of(log, offset)
      offset = skip_gaps(log, offset + 1)
    end
    return offsets, fields, offset
  end

  local function forget_entries(log)
    log.head, log.count, log.bytes, log.gaps, log.web_push, log.web_push_bytes = 0, 0, 0, nil, nil, nil
  end

  local function move_head(log, offset)
    log.head = offset
    local gaps = log.gaps
    while gaps and #gaps > 0 and gaps[2] < offset do
      table.remove(gaps, 1)
      table.remove(gaps, 1)
    end
    if gaps and #gaps == 0 then log.gaps = nil end
    if log.count == 0 then forget_entries(log) end
  end

  -- A log may have been here before and be lost with all that said so: Redis was emptied, restarted from an old file, or
  -- forgot it. Cursors of then live on in devices and sessions, so that no offset may mean another message now. The clock
  -- is above every offset that was given before, unless a log has had more than 15,000 messages a second all its life.
  local function begin(log)
    log.last, log.run, log.dirty = ticks(), RUN, true
    if log.version then log.version = log.last end
  end

  -- Another run of the server: earlier offsets may have been given and lost. Whole cycles, so that packet ids made from
  -- offsets go on; a few at least, should the clock have been set back.
  local function rebase(log)
    if log.last == 0 then return begin(log) end
    if log.run == RUN or RUN == 0 then return end
    local jump = CYCLE * math.max(32, math.ceil((ticks() - log.last) / CYCLE))
    if log.count > 0 then
      local gaps = log.gaps or {}
      if gaps[#gaps] == log.last then
        gaps[#gaps] = log.last + jump
      else
        gaps[#gaps + 1] = log.last + 1
        gaps[#gaps + 1] = log.last + jump
      end
      log.gaps = gaps
    end
    log.last = log.last + jump
    if log.version then log.version = log.version + jump end
    log.run = RUN
    log.dirty = true
  end

  -- Removes entries from the head while `more(log)` says so. Counts what had expired and what had not.
  local function remove_oldest(log, more)
    local expired, dropped = 0, 0
    while log.count > 0 and more(log) do
      local offsets, fields, following = span(log, log.head, log.last, 16)
      if #fields == 0 then
        forget_entries(log)
        break
      end
      local entries = call('HMGET', entries_of(log), unpack(fields))
      local gone, head = {}, following
      for i = 1, #offsets do
        if entries[i] then
          if not more(log) then
            head = offsets[i]
            break
          end
          local payload, expires = struct.unpack('>I4I6', entries[i], 2)
          log.count, log.bytes = log.count - 1, log.bytes - payload
          gone[#gone + 1] = fields[i]
          if expires <= NOW then expired = expired + 1 else dropped = dropped + 1 end
          if log.gone then log.gone(log, entries[i], offsets[i], payload, expires <= NOW and EXPIRED or DROPPED) end
          if log.count == 0 then break end
        end
      end
      if #gone > 0 then call('HDEL', entries_of(log), unpack(gone)) end
      move_head(log, head)
    end
    log.dirty = true
    return expired, dropped
  end

  local function append_entry(log, entry, payload, messages, bytes)
    local expired, dropped = 0, 0
    if log.count > 0 and (log.count >= messages or log.bytes + payload > bytes) then
      expired, dropped = remove_oldest(log, function(full)
        return full.count - (full.web_push or 0) >= messages or full.bytes - (full.web_push_bytes or 0) + payload > bytes
      end)
    end
    local last = log.last + 1
    write_later(log.entries, field_of(log, last), entry)
    if log.count == 0 then log.head = last end
    log.last, log.count, log.bytes, log.dirty = last, log.count + 1, log.bytes + payload, true
    return last, dropped, expired
  end

  -- Removes everything up to and including `offset`. `as`: what it ends as; nil: it was passed. `looks`: somebody has to be
  -- told of each entry, also where all of them go.
  local function trim(log, offset, as, looks)
    if log.count == 0 or offset < log.head then return end
    local all = offset >= log.last
    looks = looks or not all
    local from, to = log.head, math.min(offset, log.last)
    while from <= to and log.count > 0 do
      local offsets, fields, following = span(log, from, to, 256)
      if #fields == 0 then break end
      if looks then
        local entries = call('HMGET', entries_of(log), unpack(fields))
        for i = 1, #entries do
          if entries[i] then
            local payload = struct.unpack('>I4', entries[i], 2)
            log.count, log.bytes = log.count - 1, log.bytes - payload
            if log.gone then log.gone(log, entries[i], offsets[i], payload, as) end
          end
        end
      end
      call('HDEL', entries_of(log), unpack(fields))
      from = following
    end
    if all then log.count = 0 end
    move_head(log, from)
    log.dirty = true
  end

  -- Removes what is between two offsets, but for those that are kept.
  local function remove_between(log, from, to, kept)
    while from <= to and log.count > 0 do
      local offsets, fields, following = span(log, from, to, 256)
      if #fields == 0 then break end
      local entries, gone = call('HMGET', entries_of(log), unpack(fields)), {}
      for i = 1, #offsets do
        if entries[i] and not kept[offsets[i]] then
          local payload = struct.unpack('>I4', entries[i], 2)
          log.count, log.bytes = log.count - 1, log.bytes - payload
          gone[#gone + 1] = fields[i]
          if log.gone then log.gone(log, entries[i], offsets[i], payload) end
        end
      end
      if #gone > 0 then call('HDEL', entries_of(log), unpack(gone)) end
      from = following
    end
    if log.count == 0 then forget_entries(log) end
    log.dirty = true
  end

  -- { read to, last, offset, entry, offset, entry, ... }: unexpired entries after `after`. `tells`: and false for the entry
  -- where a followed one has expired.
  local function read_entries(log, after, most, bytes, tells)
    local result = { log.last, log.last }
    if log.count == 0 or after >= log.last then return result end
    local group = math.max(1, math.min(most, 128, math.ceil(bytes / (log.bytes / log.count + 1))))
    local from, total, found, looked = math.max(after + 1, log.head), 0, 0, 0
    while from <= log.last do
      local offsets, fields, following = span(log, from, log.last, group)
      if #fields == 0 then break end
      local entries = call('HMGET', entries_of(log), unpack(fields))
      for i = 1, #offsets do
        local entry = entries[i]
        if entry then
          local payload, expires = struct.unpack('>I4I6', entry, 2)
          if expires > NOW then
            total = total + payload
            if found == most or (found > 0 and total > bytes) then
              result[1] = offsets[i] - 1
              return result
            end
            found = found + 1
            result[#result + 1] = offsets[i]
            result[#result + 1] = entry
          elseif tells and string.byte(entry) % 4 >= 2 then
            result[#result + 1] = offsets[i]
            result[#result + 1] = false
          end
        end
      end
      looked, from = looked + #offsets, following
      if from <= log.last and (found == most or total >= bytes or looked > 4 * most + 64) then
        result[1] = offsets[#offsets]
        return result
      end
    end
    return result
  end

  return {
    begin = begin, rebase = rebase, append = append_entry, trim = trim, remove_between = remove_between, read = read_entries,
    span = span, skip_gaps = skip_gaps, move_head = move_head, forget_entries = forget_entries, entries_of = entries_of, write = write,
  }
end
