--[[
  What the cursors of a token id do not say alone (`Marks` of ../../contract.ts, and ../../marks.ts, which says the same):
  one field of a hash, as { floor, { version, ... }, { version, offset, ... }, { skipped private, ... },
  { skipped broadcast, ... } }. A commit changes them by { versions or false, { version, offset, ... }, skipped private,
  skipped broadcast, taken private, taken broadcast }.
]]
function parts.marks()
  local token = need('token')
  local MOST = 100

  local function store(record, packed)
    call('HSET', record.base .. KEY.marks, record.serial, packed)
    token.set_flag(record, token.MARKED, true)
  end

  local function forget(record)
    if not token.has(record, token.MARKED) then return end
    call('HDEL', record.base .. KEY.marks, record.serial)
    token.set_flag(record, token.MARKED, false)
    token.set_flag(record, token.SKIPPED, false)
  end

  local function set_of(list)
    local set = {}
    for _, value in ipairs(list) do set[value] = true end
    return set
  end

  -- The known ones and more, without those that are taken, ascending; the oldest of too many goes: and which did.
  local function merged(known, more, taken)
    local gone, seen, result = set_of(taken), {}, {}
    for _, list in ipairs({ known, more }) do
      for _, offset in ipairs(list) do
        if not seen[offset] and not gone[offset] then
          seen[offset] = true
          result[#result + 1] = offset
        end
      end
    end
    table.sort(result)
    local oldest = {}
    while #result > MOST do oldest[#oldest + 1] = table.remove(result, 1) end
    return result, oldest
  end

  local function raise(passed, version, offset)
    passed[version] = math.max(offset, passed[version] or 0)
  end

  -- What is passed, without what another cursor says as well; the one furthest behind of too many raises the floor.
  local function list_passed(passed, followed, broadcast, floor)
    local list = {}
    for version, offset in pairs(passed) do
      if offset > (followed[version] and broadcast or floor) then list[#list + 1] = { version, offset } end
    end
    table.sort(list, function(a, b) return a[2] > b[2] or (a[2] == b[2] and a[1] < b[1]) end)
    while #list > MOST do
      local furthest = table.remove(list)
      floor = math.max(floor, furthest[2])
    end
    local flat = {}
    for _, pair in ipairs(list) do
      flat[#flat + 1] = pair[1]
      flat[#flat + 1] = pair[2]
    end
    return flat, floor
  end

  -- The broadcast cursor, what was and is skipped in the private log, and what of that is too much. `private` and `at` are where the cursors of the
  -- commit are.
  local function change(record, private, at, packed)
    local versions, more, skipped_private, skipped_broadcast, taken_private, taken_broadcast = unpack(unpack_packed(packed))
    local known = token.marks_of(record)
    local broadcast = math.max(at, record.broadcast)
    local floor, followed_list, pairs_list, were_private, were_broadcast = record.broadcast, {}, {}, {}, {}
    if known then floor, followed_list, pairs_list, were_private, were_broadcast = unpack(unpack_packed(known)) end
    local passed, followed = {}, set_of(followed_list)
    for i = 1, #pairs_list, 2 do passed[pairs_list[i]] = pairs_list[i + 1] end

    if versions then
      local following, list = set_of(versions), {}
      for _, version in ipairs(followed_list) do
        if not following[version] then raise(passed, version, record.broadcast) end
      end
      -- Behind the cursor, which another one has moved meanwhile, it does not stand for them.
      for _, version in ipairs(versions) do
        if followed[version] or at == 0 or at >= record.broadcast then
          list[#list + 1] = version
        else
          raise(passed, version, at)
        end
      end
      followed_list, followed = list, set_of(list)
    end
    for i = 1, #more, 2 do
      local version, offset = more[i], more[i + 1]
      if #followed_list == 1 and followed_list[1] == version then
        broadcast = math.max(broadcast, offset)
      else
        raise(passed, version, offset)
      end
    end
    local new_private = {}
    for _, offset in ipairs(skipped_private) do
      if offset > record.cursor and offset <= private then new_private[#new_private + 1] = offset end
    end
    local are_private, too_many = merged(were_private, new_private, taken_private)
    token.set_flag(record, token.SKIPPED, #are_private > 0)
    local flat
    flat, floor = list_passed(passed, followed, broadcast, floor)
    store(record, pack({ floor, followed_list, flat, are_private, (merged(were_broadcast, skipped_broadcast, taken_broadcast)) }))
    return broadcast, were_private, are_private, too_many
  end

  local function skipped_private(record)
    local packed = token.marks_of(record)
    return packed and unpack_packed(packed)[4] or {}
  end

  return {
    store = store, forget = forget, change = change, skipped_private = skipped_private, set_of = set_of,
  }
end
