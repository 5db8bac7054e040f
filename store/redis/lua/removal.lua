--[[
  Taking one message out of the middle of a private or broadcast log: one that is recalled or replaced. Apart from log.lua and
  private.lua, since few batches do it.
]]
function parts.removal()
  local token = need('token')
  local logs = need('log')
  local wake = need('wakes')
  local holder = need('holder')
  local outcome = need('outcome')
  -- Of what is taken out of the middle: gaps make a record longer, and holes make a look at the log longer.
  local SHORTEST_GAP, MOST_GAPS, HOLES_BETWEEN_LOOKS = 16, 16, 64

  -- Holes that are not known as gaps, so that every look at the log goes through them.
  local function holes(log)
    local count, gaps = log.last - log.head + 1 - log.count, log.gaps or {}
    for i = 1, #gaps, 2 do count = count - (gaps[i + 1] - math.max(gaps[i], log.head) + 1) end
    return count
  end

  -- Knows the longest holes as gaps.
  local function find_gaps(log)
    local found, from, hole = {}, log.head, log.head
    local function add(till)
      if till - hole + 1 >= SHORTEST_GAP then found[#found + 1] = { hole, till } end
    end
    while from <= log.last do
      local offsets, fields, following = logs.span(log, from, log.last, 128)
      local entries = #fields > 0 and call('HMGET', logs.entries_of(log), unpack(fields)) or {}
      for i = 1, #offsets do
        if entries[i] then
          add(offsets[i] - 1)
          hole = offsets[i] + 1
        end
      end
      from = following
    end
    add(log.last)
    table.sort(found, function(a, b) return a[2] - a[1] > b[2] - b[1] end)
    while #found > MOST_GAPS and found[#found][2] - found[#found][1] < CYCLE do table.remove(found) end
    table.sort(found, function(a, b) return a[1] < b[1] end)
    local gaps = {}
    for _, gap in ipairs(found) do
      gaps[#gaps + 1] = gap[1]
      gaps[#gaps + 1] = gap[2]
    end
    log.gaps = #gaps > 0 and gaps or nil
  end

  -- Takes one out, wherever it is, that has not expired. Gives its entry, or nil.
  local function take(log, offset, as)
    local field = pack(log.serial, offset)
    local entry = log.count > 0 and call('HGET', logs.entries_of(log), field)
    if not entry then return nil end
    local payload, expires = struct.unpack('>I4I6', entry, 2)
    if expires <= NOW then return nil end
    call('HDEL', logs.entries_of(log), field)
    log.count, log.bytes, log.dirty = log.count - 1, log.bytes - payload, true
    if log.count == 0 then
      logs.forget_entries(log)
    elseif offset == log.head then
      logs.move_head(log, logs.skip_gaps(log, offset + 1))
    elseif holes(log) % HOLES_BETWEEN_LOOKS == 0 then
      find_gaps(log)
    end
    if log.gone then log.gone(log, entry, offset, payload, as) end
    return entry
  end

  -- The node that holds the session, and those that follow the log, this one too; each once.
  local function each_hearer(record, hear)
    local session = holder.of(record)
    local held_by = session and session.node or ''
    if held_by ~= '' then hear(held_by) end
    local followers = need('private').followers_of(record)
    for i = 1, #followers, 2 do
      if followers[i] ~= held_by and followers[i + 1] > NOW then hear(followers[i]) end
    end
  end

  -- Nobody is to start sending it. This node hears it as the others do.
  local function tell(record, offset)
    each_hearer(record, function(node) wake.tell(node, { 'x', record.id, offset }) end)
  end

  -- Takes out the one that this entry replaces. Gives its offset, or nil.
  local function replace(record, entry)
    local older = outcome.holder_of(record, outcome.collapse_field(record, entry))
    return older > 0 and take(record, older, REPLACED) and older or nil
  end

  -- Whether this entry of a private log is to replace one that has not expired.
  local function finds_older(record, entry)
    if not outcome.has(entry, outcome.COLLAPSE) or not token.has(record, token.ENDING) then return false end
    local older = outcome.holder_of(record, outcome.collapse_field(record, entry))
    local known = older > 0 and call('HGET', logs.entries_of(record), pack(record.serial, older))
    return known and struct.unpack('>I6', known, 6) > NOW or false
  end

  -- Before this entry is appended to a private log.
  local function make_way(record, entry)
    if not outcome.has(entry, outcome.COLLAPSE) or not token.has(record, token.ENDING) then return end
    local replaced = replace(record, entry)
    if replaced then tell(record, replaced) end
  end

  -- Takes one out of what a private log retains.
  local function forget_retained(record, offset)
    local packed = token.has(record, token.RETAINED) and call('HGET', record.base .. KEY.retained, record.serial)
    if not packed or unpack_packed(packed) ~= offset then return end
    call('HDEL', record.base .. KEY.retained, record.serial)
    token.set_flag(record, token.RETAINED, false)
  end

  return {
    take = take, each_hearer = each_hearer, tell = tell, replace = replace, finds_older = finds_older, make_way = make_way, forget_retained = forget_retained,
  }
end
