--[[
  Which token id is current for a device. A bucket with few token ids is looked through; one with more has an index: KEY.devices,
  the bucket and 4 bits of the device hash -> hash of device hash -> current token id, without its first byte. 16 hashes a bucket,
  so that Redis keeps each in its small form up to 8,000 devices a bucket, which is 130 million in all.
  KEY.indexed has for each such bucket how many token ids its index was kept for. Where that is not how many there are, a program
  that knows no index has written into the bucket, and the index is made again. What an entry names is looked at before it is
  believed. An index that was made is kept when the bucket shrinks, until it is empty.
]]
function parts.devices()
  local token = need('token')
  -- To look through so many costs some 60 us.
  local FEW, SLOTS, TOGETHER = 128, 16, 256
  -- Base and bucket -> whether it has an index.
  local indexed
  each_batch(function() indexed = {} end)

  local function slot_key(base, bucket, slot) return base .. KEY.devices .. bucket .. string.char(token.FIRST_BUCKET + slot) end
  local function key_of(base, bucket, device) return slot_key(base, bucket, math.floor(string.byte(device) / SLOTS)) end

  local function make_index(base, bucket, first)
    local slots, fields = {}, call('HGETALL', base .. KEY.tokens .. bucket)
    for slot = 0, SLOTS - 1 do call('UNLINK', slot_key(base, bucket, slot)) end
    local function write(key)
      call('HSET', key, unpack(slots[key]))
      slots[key] = {}
    end
    for i = 1, #fields, 2 do
      local id = first .. fields[i]
      local record = records[id] or token.parse(base, id, bucket, fields[i + 1])
      if token.has(record, token.CURRENT) then
        local key = key_of(base, bucket, record.device)
        local slot = slots[key] or {}
        slots[key] = slot
        slot[#slot + 1], slot[#slot + 2] = record.device, fields[i]
        if #slot >= TOGETHER then write(key) end
      end
    end
    for key, slot in pairs(slots) do
      if #slot > 0 then write(key) end
    end
    call('HSET', base .. KEY.indexed, bucket, #fields / 2)
  end

  local function is_indexed(base, bucket, first)
    local size = call('HLEN', base .. KEY.tokens .. bucket)
    if size <= FEW then return false end
    if tonumber(call('HGET', base .. KEY.indexed, bucket) or '0') ~= size then
      -- An index needs memory.
      if FULL then return false end
      make_index(base, bucket, first)
    end
    indexed[base .. bucket] = true
    return true
  end

  local function has_index(base, bucket)
    local name = base .. bucket
    if indexed[name] == nil then indexed[name] = call('HEXISTS', base .. KEY.indexed, bucket) == 1 end
    return indexed[name]
  end

  local function is_current(record, app, device)
    return record and token.has(record, token.CURRENT) and record.device == device and record.app == app
  end

  local function look_through(base, bucket, id, app, device)
    local first, fields = string.sub(id, 1, 1), call('HGETALL', base .. KEY.tokens .. bucket)
    for i = 1, #fields, 2 do
      -- A record holds the bytes of its device: to look for them costs a fiftieth of unpacking it.
      local each = string.find(fields[i + 1], device, 1, true) and first .. fields[i]
      local other = each and each ~= id and (records[each] or token.parse(base, each, bucket, fields[i + 1]))
      if other and is_current(other, app, device) then
        records[each] = other
        return other
      end
    end
    return nil
  end

  -- The token id that is current for this app and device, and not this one: all of them are in one bucket.
  local function current_other(base, id, app, device)
    local bucket, first = token.bucket_of(id), string.sub(id, 1, 1)
    if is_indexed(base, bucket, first) then
      local rest = call('HGET', key_of(base, bucket, device), device)
      if not rest then return nil end
      local other = first .. rest ~= id and token.of(base, first .. rest)
      if is_current(other, app, device) then return other end
    end
    return look_through(base, bucket, id, app, device)
  end

  -- A new record, once it is written.
  local function added(record)
    if has_index(record.base, record.bucket) then call('HINCRBY', record.base .. KEY.indexed, record.bucket, 1) end
  end

  local function became_current(record)
    local base, bucket, device = record.base, record.bucket, record.device
    if has_index(base, bucket) then call('HSET', key_of(base, bucket, device), device, string.sub(record.id, 2)) end
  end

  -- A record that is gone.
  local function removed(record)
    local base, bucket, device = record.base, record.bucket, record.device
    if not has_index(base, bucket) then return end
    local key = key_of(base, bucket, device)
    if call('HGET', key, device) == string.sub(record.id, 2) then call('HDEL', key, device) end
    if call('HINCRBY', base .. KEY.indexed, bucket, -1) > 0 then return end
    call('HDEL', base .. KEY.indexed, bucket)
    indexed[base .. bucket] = false
  end

  return { current_other = current_other, added = added, became_current = became_current, removed = removed }
end
