--[[
  One batch of steps, in order, as one atomic script. The files of this folder are joined to one text, in the order
  that ../script.ts names; the names of keys (KEY) come before them, from ../keys.ts.

  KEYS[1]  the journal of the lane; its hash tag routes the script in a Cluster
  KEYS[2]  a key that is never written, see `absentKey`
  ARGV[1]  msgpack: { header, step, step, ... }
           header: { sequence, now, changes, verify, room }, see below
           step:   { name, base of the keys, arguments... }; the head of each file lists them
  ARGV[2]  msgpack: { process, node, channels, limits... }: the same in each batch of a process
  Result   msgpack: { result, result, ... } in the order of the steps. A result is an array, or a string: the code of
           the error that refused this one step. After them the life of this data (LIFE, below), and what steps took out
           of logs beside what they were asked for: { destination, expired, dropped, ... }. 'STALE' instead of the array: a
           later batch of this lane was done.

  The text is a library of functions, which Redis defines once and keeps; so what is defined here lives on, and
  `each_batch` is for what must not. Where a server or a user has no FUNCTION, it is a script (EVALSHA), and all of it is run
  with every call; each function that it defines costs time then. So every file but this and the last is one function in
  `parts`, which `need` calls once when a step asks for it; and those of files that few batches need are defined by one
  function, `seldom`, when the first of them is asked for.

  Safe to run twice: the journal keeps the sequence and the results of the last batch of each process, and a lane has
  one batch under way. The same batch again is answered from the journal; an older one is refused.
]]
-- While a library is loaded, it has none of them.
local call, pack, unpack_packed

-- Of this batch. JOURNAL is its key.
local JOURNAL, PROCESS, SEQUENCE, NOW, CHANGES, VERIFY, ROOM, NODE, CHANNELS, LIMIT

-- When its memory is full, Redis refuses a command that may need some, but only as the first one that writes in a script.
-- ROOM says what comes first. 0: nothing. 1: a command that would be refused, so that no step which stores slips in behind
-- one that frees. 2: a write that needs no memory, after which all steps can do their work; those that store refuse by
-- themselves (FULL). So devices connect, read, acknowledge and close, which makes room. A function is refused as a whole,
-- but for the one that is called with ROOM 2, or where no step stores.
local FULL

-- RUN: which process of Redis this is. A restart or failover without `appendfsync always` may lose the newest writes, so
-- that an offset would be given twice. Records that were last written in another run jump ahead (`rebase`). The run id
-- tells, and is asked for when the connection is new; between that, LASTSAVE is cheap and changes with every start that is
-- not within the same second.
-- LIFE: which data this is, for the nodes. It begins at a time, and again when the journal is gone, so that everything may
-- be; with each RUN it counts one on. 0: the journal is gone, and nothing has been written since.
local RUN, LIFE

-- The clock of this server in ticks of 64 microseconds, which fit into 6 bytes; the same throughout a batch.
local clock
local function ticks()
  if not clock then
    local time = call('TIME')
    clock = math.floor((time[1] * 1000000 + time[2]) / 64)
  end
  return clock
end

local parts, needed, seldom = {}, {}, nil

local function need(name)
  local part = needed[name]
  if not part then
    if not parts[name] then seldom() end
    part = parts[name]()
    needed[name] = part
  end
  return part
end

-- Calls `forget` now, and before each later batch.
local beginnings = {}
local function each_batch(forget)
  forget()
  beginnings[#beginnings + 1] = forget
end

local records, apps, upstreams, unwritten, wakes, tallies
each_batch(function()
  -- What is read in one batch, and written once at its end: token id -> record, base -> record of an app, base and app ->
  -- record of a part of an upstream log.
  records, apps, upstreams = {}, {}, {}
  -- Entries of logs that are written together, before anything is read there and at the end:
  -- key -> { field, entry, ..., count = how many of both }
  unwritten = {}
  -- What other nodes are to hear: node -> { events }, sent as one message to each at the end.
  wakes = {}
  -- What observers are to hear of beside the results of steps: destination -> { expired, dropped }.
  tallies, clock = nil, nil
end)
