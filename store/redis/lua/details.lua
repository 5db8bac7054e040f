--[[
  What is known of a token id beside its names (`TokenDetails` of ../../registry-contract.ts): KEY.details and the bucket:
  hash of serial -> { format, account (16 bytes, '' for none), epoch of the app, epoch of the account, version, { tag, ... } }.
  A registration changes it by { account or false, epoch of the app, epoch of the account, version or false,
  { tag, ... } or false }; epochs only grow.
]]
function parts.details()
  local token = need('token')
  local FORMAT = 1

  local function key_of(record) return record.base .. KEY.details .. record.bucket end

  -- As it is kept; false: nothing.
  local function of(record) return call('HGET', key_of(record), record.serial) end

  local function store(record, packed, tags)
    call('HSET', key_of(record), record.serial, packed)
    token.set_flag(record, token.TAGGED, #tags > 0)
  end

  -- As it is kept afterwards. What a later version wrote stays.
  local function change(record, packed)
    local known = of(record)
    if not packed then return known end
    local account, app_epoch, account_epoch, version, tags = unpack(unpack_packed(packed))
    local nothing = { FORMAT, '', 0, 0, '', {} }
    local was = known and unpack_packed(known) or nothing
    if was[1] ~= FORMAT then return known end
    tags = tags or was[6]
    local changed = pack({
      FORMAT, account or was[2], math.max(app_epoch, was[3]), math.max(account_epoch, was[4]), version or was[5], tags,
    })
    if changed ~= (known or pack(nothing)) then store(record, changed, tags) end
    return changed
  end

  -- Whether a change has later epochs than are kept.
  local function is_later(record, packed)
    if not packed then return false end
    local known, change = of(record), unpack_packed(packed)
    local was = known and unpack_packed(known) or { FORMAT, '', 0, 0 }
    return was[1] == FORMAT and (change[2] > was[3] or change[3] > was[4])
  end

  local function forget(record) call('HDEL', key_of(record), record.serial) end

  return { of = of, change = change, is_later = is_later, forget = forget }
end
