--[[
  Readers that several members share. What is claimed and settled of one (KEY.claims: offset -> claim), beyond its cursor:
  format 1, until, member; settled: format 1 alone.

  claim           base, app, reader, member, until, entries, bytes, lost, offset, ...  -> { read to, last, offset, entry, ... };
                  lost: what this member has claimed besides these offsets is free
  settle          base, app, reader, member, offset, ...            -> { offset, ... }: those that are settled
  renew_claims    base, app, reader, member, until                  -> { }
  release_claims  base, app, reader, member                         -> { last, or 0 when nothing was claimed }
  assign          base, app, reader, member, offset, name           -> { } where it is not claimed by this member, or { the name
                  that was told first }: KEY.assigned
  forget_assigned base, app, offset                                 -> { }
]]
function parts.claims()
  local log = need('log')
  local readers = need('readers')
  local steps = {}
  local FORMAT, TOGETHER, ASSIGNED_SECONDS = 1, 128, 86400
  local SETTLED = struct.pack('B', FORMAT)

  local function expires_of(entry) return (struct.unpack('>I6', entry, 6)) end

  local function claim_of(member, till) return struct.pack('>BI6', FORMAT, till) .. member end

  -- Nobody may have what is settled, or claimed by whomever until later.
  local function is_free(claim) return not claim or (#claim > 1 and struct.unpack('>I6', claim, 2) <= NOW) end

  local function is_of(claim, member)
    return claim and #claim > 1 and not is_free(claim) and string.sub(claim, 8) == member
  end

  local function write(key, fields)
    if #fields > 0 then call('HSET', key, unpack(fields)) end
  end

  local function forget(key, offsets)
    if #offsets > 0 then call('HDEL', key, unpack(offsets)) end
  end

  -- Calls `work` with a few of the offsets that this member has claimed at a time; returns how many there are.
  local function each_claimed(key, member, work)
    local fields, offsets, count = call('HGETALL', key), {}, 0
    for i = 1, #fields, 2 do
      if is_of(fields[i + 1], member) then
        offsets[#offsets + 1], count = fields[i], count + 1
        if #offsets == TOGETHER then
          work(offsets)
          offsets = {}
        end
      end
    end
    if #offsets > 0 then work(offsets) end
    return count
  end

  -- What the member of a step has claimed and does not know of.
  local function forget_lost(step, key)
    local known, lost = {}, {}
    for i = 10, #step do known[step[i]] = true end
    each_claimed(key, step[5], function(offsets)
      for _, offset in ipairs(offsets) do
        if not known[tonumber(offset)] then lost[#lost + 1] = offset end
      end
    end)
    for from = 1, #lost, TOGETHER do forget(key, { unpack(lost, from, math.min(from + TOGETHER - 1, #lost)) }) end
  end

  -- The entries of those offsets that are free and have not expired: offset -> entry.
  local function free_entries(record, key, offsets)
    local claims, free, found = call('HMGET', key, unpack(offsets)), {}, {}
    local fields = {}
    for i = 1, #offsets do
      if is_free(claims[i]) then
        free[#free + 1] = offsets[i]
        fields[#fields + 1] = pack(record.serial, offsets[i])
      end
    end
    if #free == 0 then return found end
    local entries = call('HMGET', log.entries_of(record), unpack(fields))
    for i = 1, #free do
      if entries[i] and expires_of(entries[i]) > NOW then found[free[i]] = entries[i] end
    end
    return found
  end

  function steps.claim(step)
    local _, base, app, name, member, till, most, bytes = unpack(step)
    local record = readers.of(base, app)
    local reader = readers.find(record, name)
    local result, kept = { record.last, record.last }, { record.last, record.last }
    if not reader or record.count == 0 then return result end
    local key, claim = readers.claims_of(record, name), claim_of(member, till)
    if step[9] then forget_lost(step, key) end
    local from, total, found = math.max(reader.cursor + 1, record.head), 0, 0
    while from <= record.last do
      local offsets, _, following = log.span(record, from, record.last, math.min(TOGETHER, most - found + 16))
      if #offsets == 0 then break end
      local entries, claimed = free_entries(record, key, offsets), {}
      for _, offset in ipairs(offsets) do
        local entry = entries[offset]
        if entry then
          total = total + struct.unpack('>I4', entry, 2)
          if found == most or (found > 0 and total > bytes) then
            write(key, claimed)
            result[1], kept[1] = offset - 1, offset - 1
            return result, kept
          end
          found = found + 1
          claimed[#claimed + 1] = offset
          claimed[#claimed + 1] = claim
          result[#result + 1], kept[#kept + 1] = offset, offset
          result[#result + 1] = entry
        end
      end
      write(key, claimed)
      from = following
    end
    return result, kept
  end

  -- The journal keeps what was claimed, without the entries.
  function steps.claim_again(step, kept)
    local record = readers.of(step[2], step[3])
    local result = { kept[1], kept[2] }
    for i = 3, #kept do
      local entry = call('HGET', log.entries_of(record), pack(record.serial, kept[i]))
      if entry then
        result[#result + 1] = kept[i]
        result[#result + 1] = entry
      end
    end
    return result
  end

  -- Claims of what has gone from the log before it was settled.
  local function forget_below(key, head)
    for _, offset in ipairs(call('HKEYS', key)) do
      if tonumber(offset) < head then call('HDEL', key, offset) end
    end
  end

  -- Where the first message is that is neither settled nor gone: the cursor stands before it.
  local function first_unsettled(record, key, from)
    while record.count > 0 and from <= record.last do
      local offsets, fields, following = log.span(record, from, record.last, TOGETHER)
      if #offsets == 0 then break end
      local claims, passed = call('HMGET', key, unpack(offsets)), {}
      for i = 1, #offsets do
        if claims[i] ~= SETTLED then
          local entry = call('HGET', log.entries_of(record), fields[i])
          if entry and expires_of(entry) > NOW then
            forget(key, passed)
            return offsets[i]
          end
        end
        passed[#passed + 1] = offsets[i]
      end
      forget(key, passed)
      from = following
    end
    call('DEL', key)
    return record.last + 1
  end

  function steps.settle(step)
    local base, app, name, member = step[2], step[3], step[4], step[5]
    local record = readers.of(base, app)
    local reader = readers.find(record, name)
    if not reader then return {} end
    local key, any, done = readers.claims_of(record, name), false, {}
    for from = 6, #step, TOGETHER do
      local offsets = { unpack(step, from, math.min(from + TOGETHER - 1, #step)) }
      local claims, settled = call('HMGET', key, unpack(offsets)), {}
      for i = 1, #offsets do
        if is_of(claims[i], member) then
          settled[#settled + 1] = offsets[i]
          settled[#settled + 1] = SETTLED
          done[#done + 1] = offsets[i]
        elseif claims[i] == SETTLED or offsets[i] <= reader.cursor then
          done[#done + 1] = offsets[i]
        end
      end
      write(key, settled)
      any = any or #settled > 0
    end
    if not any then return done end
    local from = reader.cursor + 1
    if record.count > 0 and record.head > from then
      from = record.head
      forget_below(key, from)
    end
    readers.move(record, name, reader, first_unsettled(record, key, from) - 1)
    return done
  end

  function steps.renew_claims(step)
    local _, base, app, name, member, till = unpack(step)
    local record = readers.of(base, app)
    if not readers.find(record, name) then return {} end
    local key, claim = readers.claims_of(record, name), claim_of(member, till)
    each_claimed(key, member, function(offsets)
      local claims = {}
      for _, offset in ipairs(offsets) do
        claims[#claims + 1] = offset
        claims[#claims + 1] = claim
      end
      write(key, claims)
    end)
    return {}
  end

  function steps.release_claims(step)
    local _, base, app, name, member = unpack(step)
    local record = readers.of(base, app)
    if not readers.find(record, name) then return { 0 } end
    local key = readers.claims_of(record, name)
    local released = each_claimed(key, member, function(offsets) forget(key, offsets) end)
    if released == 0 then return { 0 } end
    need('upstream').tell(record, record.last, false)
    return { record.last }
  end

  local function assigned_of(base, app, offset) return base .. KEY.assigned .. app .. '/' .. string.format('%.0f', offset) end

  function steps.assign(step)
    local _, base, app, name, member, offset, session = unpack(step)
    local record = readers.of(base, app)
    if not readers.find(record, name) then return {} end
    if not is_of(call('HGET', readers.claims_of(record, name), offset), member) then return {} end
    local key = assigned_of(base, app, offset)
    local known = call('GET', key)
    if not known then call('SET', key, session, 'EX', ASSIGNED_SECONDS) end
    return { known or session }
  end

  function steps.forget_assigned(step)
    call('UNLINK', assigned_of(step[2], step[3], step[4]))
    return {}
  end

  return steps
end
