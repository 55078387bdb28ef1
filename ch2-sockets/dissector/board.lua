-- The message board of chapter 2, as Wireshark and tshark show it: over UDP, in sessions over UDP, and over TCP.
--
-- Load it
--   tshark -i lo -X lua_script:ch2-sockets/dissector/board.lua -f 'port 7777'           live, with the right to capture
--   tshark -r FILE.pcap -X lua_script:ch2-sockets/dissector/board.lua -Y mboard         from a file
--   wireshark -X lua_script:ch2-sockets/dissector/board.lua                             or copy it into the personal plugin
--                                                       folder: Help, About, Folders. Ctrl-Shift-L reads it again.
--   Other ports: -o mboard.ports:7777,8888, the preferences of MBOARD, or Decode As. The lossy link has two: name both.
--   As root, an old Wireshark loads no script: set `run_user_scripts_when_superuser = true` in its init.lua, or better,
--   capture to a file as root and read it as yourself.
--
-- What you see
--   PUBLISH "Hello world!"   LAST 10   GET 4             what a client asks
--   OK   ids 3 4 5   message from 127.0.0.1:34234 "Hi"   what the server answers, read by the request that it answers
--   open   block 0 of 3, session 42   1 block stored     the original block protocol
--   open (extension)   token 9c1f…                       our extension: a cookie first, then blocks under it
--   data 7 of 13, request of exchange 0                  blocks count from 0, as on the wire: the last is `data 12 of 13`
--   ack 0..7 + [9,12), request of exchange 0             blocks 0 to 6 are there, and 9 to 11; 7 and 8 are missing
--   What breaks the protocol is shown as `malformed: why`, filter `mboard.malformed`. What came once already is marked
--   `again`, filter `mboard.again`. Requests and responses point at each other (`mboard.response_in`, `mboard.response_to`;
--   the first needs a second pass: tshark -2, or Wireshark).
--
-- Over TCP a request or a response has no length: it is the whole stream up to the FIN. So nothing is shown before the FIN,
-- and nothing at all for a connection that ends with RST or whose FIN is not in the capture.
--
-- Many datagrams that the kernel took or gave as one (GSO, GRO) are in a capture of the loopback interface as one, and read
-- one by one: `46 datagrams: data 0 of 150 …; to data 45 of 150 …`.
--
-- Not done: blocks are not put together. The first block shows how the message in it begins. Of lists and texts the first
-- 64 KiB are read.

local mboard = Proto("mboard", "Message Board")
-- How the bytes come decides what they mean, and a dissector is not told: so each transport has its own.
local over_tcp = Proto("mboard_tcp", "Message Board over TCP")

mboard.prefs.ports = Pref.range("Ports of the board", "7777", "UDP and TCP ports, for example 7777,8000-8010", 65535)

local REQUESTS = { [1] = "PUBLISH", [2] = "LAST", [3] = "GET", [4] = "LAST JOINED", [5] = "LAST COUNTED",
    [7] = "CURRENT TIME", [8] = "DELIVERY TIME" }
local STATUSES = { [0] = "OK", [1] = "BADFORMAT", [2] = "MSGNOTFOUND", [3] = "UNKNCONTROL", [4] = "ERRTRANSM" }
local EMPTY = { LAST = "no ids", ["LAST JOINED"] = "no messages", ["LAST COUNTED"] = "no messages" }
local KINDS = {
    a = "open", b = "block", c = "close", y = "wrong length, send again", z = "refused", ["0"] = "done", ["1"] = "token",
    D = "data", K = "ack", X = "refuse",
}
local SIDES = { [0] = "request", [1] = "response" }
local REASONS = { [1] = "unknown or expired", [2] = "message too long", [3] = "no room", [4] = "not understood" }

-- Of the extension, as in ch2-sockets/src/session/datagram.rs. The last word of each header is the check, which is little-endian.
local HEADER = { D = 32, K = 36, X = 20 }
local RANGE_LENGTH, MAX_RANGES, MIN_BLOCK = 8, 170, 256
local READ_AT_MOST, SHOW_AT_MOST, TEXT_AT_MOST = 65536, 16, 60
local UNTIL_FIN = DESEGMENT_UNTIL_FIN or 0x0ffffffe -- epan/packet_info.h; only new versions tell it to Lua

local number = base.DEC
local f = {
    -- the board
    code = ProtoField.uint8("mboard.code", "Request", number, REQUESTS),
    status = ProtoField.uint8("mboard.status", "Response", number, STATUSES),
    count = ProtoField.uint64("mboard.count", "Messages asked for (0: all)", number),
    id = ProtoField.uint64("mboard.id", "Message id", number),
    text = ProtoField.string("mboard.text", "Text"),
    message = ProtoField.none("mboard.message", "Message"),
    time = ProtoField.absolute_time("mboard.time", "Left on the board at", base.UTC),
    from = ProtoField.string("mboard.from", "From address"),
    from_port = ProtoField.uint16("mboard.from_port", "From port", number),
    request = ProtoField.string("mboard.request", "Answer to"),
    response_in = ProtoField.framenum("mboard.response_in", "Response in", base.NONE, frametype.RESPONSE),
    response_to = ProtoField.framenum("mboard.response_to", "Response to", base.NONE, frametype.REQUEST),
    response_time = ProtoField.relative_time("mboard.response_time", "Time since the request"),
    again_of = ProtoField.framenum("mboard.again_of", "Sent before in", base.NONE, frametype.RETRANS_PREV),
    -- sessions. An original session's number is text: ours have more digits than a Lua number holds.
    kind = ProtoField.string("mboard.kind", "Session PDU"),
    session = ProtoField.string("mboard.session", "Session"),
    index = ProtoField.uint64("mboard.block", "Block", number),
    blocks = ProtoField.uint64("mboard.blocks", "Blocks in all", number),
    stored = ProtoField.uint64("mboard.stored", "Blocks stored", number),
    delivered = ProtoField.bool("mboard.delivered", "Delivered"),
    data_length = ProtoField.uint64("mboard.data_length", "Length of the data", number),
    data = ProtoField.bytes("mboard.data", "Data"),
    -- the extension
    side = ProtoField.uint8("mboard.side", "Message", number, SIDES),
    token = ProtoField.uint64("mboard.token", "Token", base.HEX),
    exchange = ProtoField.uint32("mboard.exchange", "Exchange", number),
    sequence = ProtoField.uint32("mboard.sequence", "Sequence of this transmission", number),
    block_size = ProtoField.uint16("mboard.block_size", "Block size", number),
    length = ProtoField.uint32("mboard.length", "Length of the message", number),
    ranges = ProtoField.uint16("mboard.ack.ranges", "Ranges", number),
    largest = ProtoField.uint32("mboard.ack.largest", "Largest sequence", number),
    delay = ProtoField.uint32("mboard.ack.delay", "Delay in µs", number),
    cumulative = ProtoField.uint32("mboard.ack.cumulative", "All blocks before", number),
    window = ProtoField.uint32("mboard.ack.window", "Window in blocks", number),
    first = ProtoField.uint32("mboard.ack.first", "From block", number),
    ending = ProtoField.uint32("mboard.ack.end", "Before block", number),
    acked = ProtoField.framenum("mboard.ack.frame", "Acknowledges", base.NONE, frametype.ACK),
    round_trip = ProtoField.relative_time("mboard.ack.round_trip", "Time since that data"),
    check = ProtoField.uint32("mboard.check", "Check (little-endian)", base.HEX),
    reason = ProtoField.uint8("mboard.reason", "Reason", number, REASONS),
}
mboard.fields = f

local e = {
    malformed = ProtoExpert.new("mboard.malformed", "Malformed", expert.group.MALFORMED, expert.severity.ERROR),
    cut = ProtoExpert.new("mboard.cut", "Cut short by the capture", expert.group.UNDECODED, expert.severity.NOTE),
    again = ProtoExpert.new("mboard.again", "Sent before", expert.group.SEQUENCE, expert.severity.NOTE),
    refused = ProtoExpert.new("mboard.refused", "Refused", expert.group.RESPONSE_CODE, expert.severity.WARN),
    flawed = ProtoExpert.new("mboard.flawed", "List broken by a colon", expert.group.PROTOCOL, expert.severity.WARN),
}
mboard.experts = e

local tcp_fin = Field.new("tcp.flags.fin")
local cut_short -- of the packet at hand: what a capture left out is not the sender's fault
local board, original, extension, memory = {}, {}, {}, {}
local begin, add, head, text, decimal, malformed, link, interval, plural, show

-- ── the two transports ──────────────────────────────────────────────────────────────────────────────────────────────────

function mboard.dissector(tvb, pinfo, root)
    if tvb:len() == 0 then return 0 end
    local packet = begin(tvb, pinfo, root, "udp")
    local first = head(tvb, 1)
    local part
    if first:find("[DKX]") then
        part = extension
    elseif packet.to_server then
        part = first:find("%d") and board or original
    else
        part = (first:find("[yz]") or head(tvb, 2) == "0?" or head(tvb, 2) == "1?") and original or board
    end
    pinfo.cols.info = part.pdu(packet, tvb)
    return tvb:len()
end

function over_tcp.dissector(tvb, pinfo, root)
    if tvb:len() == 0 then return 0 end
    -- TCP gives the segments until one with a FIN has come and then, with no more to desegment, the whole stream; but a
    -- stream of a single segment with the FIN in it comes once only.
    local fin = tcp_fin()
    if pinfo.can_desegment > 0 and not (fin and fin.value) then
        pinfo.desegment_offset, pinfo.desegment_len = 0, UNTIL_FIN
        return
    end
    local packet = begin(tvb, pinfo, root, "tcp")
    pinfo.cols.info = board.pdu(packet, tvb)
    return tvb:len()
end

function begin(tvb, pinfo, root, transport)
    pinfo.cols.protocol = "MBOARD"
    local tree = root:add(mboard, tvb())
    cut_short = tvb:reported_len() > tvb:len()
    if cut_short then
        tree:add_proto_expert_info(e.cut, ("%d of %d bytes captured"):format(tvb:len(), tvb:reported_len()))
    end
    -- The port that brought us here is the server's. What Decode As names counts too.
    local to_server = pinfo.dst_port == pinfo.match_uint
    local here, there = ("%s:%d"):format(pinfo.src, pinfo.src_port), ("%s:%d"):format(pinfo.dst, pinfo.dst_port)
    return {
        pinfo = pinfo,
        tree = tree,
        tcp = transport == "tcp",
        to_server = to_server,
        conversation = transport .. " " .. (to_server and here .. " " .. there or there .. " " .. here),
    }
end

-- ── the board: code, colon, argument ────────────────────────────────────────────────────────────────────────────────────

function board.pdu(packet, tvb)
    if packet.to_server then
        local info, asked = board.request(packet, packet.tree, tvb)
        return info .. memory.request(packet, "board", asked, head(tvb))
    end
    return board.response(packet.tree, tvb, memory.response(packet, "board"), true)
end

-- What the Info column says, and what was asked: the response is read by it.
function board.request(packet, tree, tvb)
    local pdu = head(tvb)
    local code, argument = pdu:match("^([1-578]):(.*)$")
    local name = REQUESTS[tonumber(code)]
    if not name or ((code == "4" or code == "5") and not packet.tcp) then
        return malformed(tree, (#pdu < 2 and "too short: " or "unknown control code: ") .. text(pdu)), nil
    end
    add(tree, f.code, tvb, 0, 1, tonumber(code))
    if packet.tcp and #pdu < 3 then return name .. " " .. malformed(tree, "shorter than 3 bytes over TCP"), name end
    if code == "1" then
        add(tree, f.text, tvb, 2)
        return name .. " " .. text(argument), name
    end
    local value = decimal(argument:match("^[ \t\n\f\r]*(%d+)[ \t\n\f\r]*$"))
    if not value then return name .. " " .. malformed(tree, "no number: " .. text(argument)), name end
    if code ~= "7" then add(tree, (code == "3" or code == "8") and f.id or f.count, tvb, 2, nil, value) end
    return name .. " " .. tostring(value), name
end

-- A response does not say what it answers. Without its request, its shape must do. Not whole: a first block only.
function board.response(tree, tvb, asked, whole)
    local pdu = head(tvb)
    local status, colon = pdu:match("^([0-4])(.?)")
    local name = STATUSES[tonumber(status)]
    if not name or (colon ~= "" and (status ~= "0" or colon ~= ":")) then
        return malformed(tree, "no response: " .. text(pdu))
    end
    local item = add(tree, f.status, tvb, 0, 1, tonumber(status))
    if status ~= "0" then
        item:add_proto_expert_info(e.refused, name)
        return name
    end
    whole = whole and #pdu == tvb:reported_len()
    if colon == "" then
        if asked == "GET" then return name .. " " .. malformed(tree, "no message in it") end
        return EMPTY[asked] or name
    elseif asked == "PUBLISH" then
        return name .. " " .. malformed(tree, "something follows: " .. text(pdu:sub(3)))
    elseif asked == "LAST" or (not asked and pdu:find("^[%d:]+$")) then
        return board.ids(tree, tvb, pdu, whole)
    elseif asked == "CURRENT TIME" or asked == "DELIVERY TIME" then
        return name .. " " .. text(pdu:sub(3))
    elseif asked == "LAST JOINED" then
        return board.joined(tree, tvb, pdu, whole)
    elseif asked == "LAST COUNTED" then
        return board.counted(tree, tvb, pdu, whole)
    end
    return board.message(tree, tvb, pdu)
end

function board.ids(tree, tvb, pdu, whole)
    local ids, bad = {}, nil
    for at, id, after in pdu:gmatch(":()([^:]*)()") do
        if not whole and after > #pdu then break end -- its other digits were not read
        local value = decimal(id:match("^%d+$"))
        if not value then
            bad = id
            break
        end
        ids[#ids + 1] = tostring(value)
        if #ids <= 1000 then add(tree, f.id, tvb, at - 1, #id, value) end
    end
    local shown = "ids " .. show(ids, " ", whole)
    return bad and shown .. " " .. malformed(tree, "no id: " .. text(bad)) or shown
end

function board.message(tree, tvb, pdu)
    local host = pdu:match("^0:[^:]*:(%[[^%]]*%]):") or pdu:match("^0:[^:]*:([^:]*):")
    local at = host and #pdu:match("^0:[^:]*:") + #host + 1
    local port, body = nil, nil
    if at then port, body = pdu:match("^([^:]*):()", at + 1) end
    local who = body and board.posted(tree, tvb, pdu:match("^0:([^:]*)"), host, port, 2, body - 1, nil)
    if not who then return "OK " .. malformed(tree, "no message: " .. text(pdu:sub(3))) end
    return "message from " .. who .. " " .. text(pdu:sub(body))
end

-- Code 4, `:` between the messages. A piece that does not begin as a message does is the rest of a text with a colon.
function board.joined(tree, tvb, pdu, whole)
    local messages, at = {}, 3
    while at <= #pdu + 1 do
        local time, host, port, body = pdu:match("^([%d%.]+) (%[[^%]]*%]) (%d+) ()", at)
        if not time then time, host, port, body = pdu:match("^([%d%.]+) ([%d%.]+) (%d+) ()", at) end
        local ending = pdu:find(":", body or at, true) or #pdu + 1
        local who = time and board.posted(tree, tvb, time, host, port, at - 1, body - 1, ending - body)
        if who then
            messages[#messages + 1] = who .. " " .. text(pdu:sub(body, ending - 1))
        else
            local piece = text(pdu:sub(at, ending - 1))
            tree:add_proto_expert_info(e.flawed, "no message, but the rest of a text with a colon in it: " .. piece)
            messages[#messages + 1] = "? " .. piece
        end
        at = ending + 1
    end
    return plural(#messages, "message") .. ": " .. show(messages, ", ", whole)
end

-- Code 5, a length before each message.
function board.counted(tree, tvb, pdu, whole)
    local messages, at = {}, 3
    while at <= #pdu do
        local length, line = pdu:match("^(%d+):()", at)
        length = length and #length <= 9 and tonumber(length)
        local ending = length and line + length
        local time, host, port, body = pdu:match("^(%S+) (%S+) (%d+) ()", line or #pdu + 1)
        local fits = ending and body and body <= ending and ending - 1 <= #pdu
        local who = fits and board.posted(tree, tvb, time, host, port, at - 1, body - 1, ending - body)
        if not who then
            if not whole and (not ending or ending > #pdu) then break end
            messages[#messages + 1] = malformed(tree, "no message: " .. text(pdu:sub(at)))
            break
        end
        messages[#messages + 1] = who .. " " .. text(pdu:sub(body, ending - 1))
        at = ending
    end
    return plural(#messages, "message") .. ": " .. show(messages, ", ", whole)
end

-- Adds one message to the tree, from `start` with the text at `body`; returns who left it, or nil if that is not a message.
function board.posted(tree, tvb, time, host, port, start, body, length)
    local seconds, fraction = time:match("^(%d+)%.?(%d*)$")
    local address = host:match("^%[([%x:%.]+)%]$") or host:match("^%d+%.%d+%.%d+%.%d+$")
    port = port:match("^%d+$") and #port <= 5 and tonumber(port)
    if not seconds or not address or not port or port > 65535 then return nil end
    length = length or tvb:len() - body
    local item = add(tree, f.message, tvb, start, body + length - start)
    if #seconds <= 10 and tonumber(seconds) < 2 ^ 31 then
        add(item, f.time, tvb, start, 0, NSTime.new(tonumber(seconds), tonumber((fraction .. "000000000"):sub(1, 9))))
    end
    add(item, f.from, tvb, start, 0, address)
    add(item, f.from_port, tvb, start, 0, port)
    add(item, f.text, tvb, body, length)
    return host .. ":" .. port
end

-- ── the original block protocol: letter, question marks ─────────────────────────────────────────────────────────────────

function original.pdu(packet, tvb)
    local pdu = head(tvb)
    local kind = pdu:sub(1, 1)
    if KINDS[kind] then add(packet.tree, f.kind, tvb, 0, 1):append_text(" (" .. KINDS[kind] .. ")") end
    if not packet.to_server then return original.answer(packet, tvb, pdu, memory.response(packet, "session")) end
    local known = kind:find("[abc]") and original[kind]
    local info = known and known(packet, tvb, pdu) or malformed(packet.tree, "neither board nor session: " .. text(pdu))
    return info .. memory.request(packet, "session", kind, pdu)
end

function original.a(packet, _, pdu)
    if not pdu:find("^a%?%d+$") then return "open " .. malformed(packet.tree, "no number: " .. text(pdu)) end
    -- The number 1, padded until the answer is no longer than the question. An original server ignores it.
    return pdu:find("^a%?0*1$") and "open (extension)" or "open"
end

function original.b(packet, tvb, pdu)
    local tree = packet.tree
    local session, i, count, length, data = pdu:match("^b%?(%d+)%?(%d+)%?(%d+)%?(%d+)%?()")
    if not session then return "block " .. malformed(tree, "no block: " .. text(pdu)) end
    local at = 2
    local function field(which, written)
        local value = which ~= f.session and decimal(written) or nil
        add(tree, which, tvb, at, #written, value)
        at = at + #written + 1
        return value
    end
    field(f.session, session)
    local index, blocks, declared = field(f.index, i), field(f.blocks, count), field(f.data_length, length)
    local info = ("block %s of %s, session %s"):format(tostring(index), tostring(blocks), session)
    if index >= blocks then return info .. " " .. malformed(tree, "there is no such block") end
    local present = tvb:reported_len() - (data - 1)
    if declared ~= UInt64(present) then
        return info .. " " .. malformed(tree, ("%d bytes of data, not %s"):format(present, tostring(declared)))
    end
    if data > #pdu then return info end
    local item = add(tree, f.data, tvb, data - 1)
    if index > UInt64(0) then return info end
    return info .. ": " .. board.request(packet, item, tvb(data - 1):tvb()) .. (blocks > UInt64(1) and " …" or "")
end

function original.c(packet, tvb, pdu)
    local session = pdu:match("^c%?(%d+)$")
    if not session then return "close " .. malformed(packet.tree, "no session: " .. text(pdu)) end
    add(packet.tree, f.session, tvb, 2)
    return "close session " .. session
end

function original.answer(packet, tvb, pdu, asked)
    local tree, kind = packet.tree, pdu:sub(1, 1)
    if pdu == "y" or pdu == "z" then
        tree:add_proto_expert_info(e.refused, KINDS[kind])
        return KINDS[kind]
    end
    local argument = pdu:match("^[01]%?(%x+)$")
    local token = kind == "1" and argument and argument:match("^0*(" .. ("%x"):rep(16) .. ")$")
    if token then -- zeros before it make it as long as its question
        add(tree, f.token, tvb, #pdu - 16, nil, UInt64.fromhex(token))
        return "token " .. token
    elseif kind ~= "0" or not argument or argument:find("%X") or argument:find("%a") then
        return malformed(tree, "no answer of a session: " .. text(pdu))
    elseif asked == "a" then
        add(tree, f.session, tvb, 2)
        return "session " .. argument
    elseif asked == "b" then
        add(tree, f.stored, tvb, 2, nil, decimal(argument))
        return plural(argument, "block") .. " stored"
    elseif asked == "c" and (argument == "0" or argument == "1") then
        add(tree, f.delivered, tvb, 2, nil, argument == "1")
        return argument == "1" and "delivered" or "incomplete, discarded"
    elseif asked == "c" then
        return malformed(tree, "neither delivered nor discarded: " .. argument)
    end
    return "done " .. argument
end

-- ── the extension: binary, big-endian ───────────────────────────────────────────────────────────────────────────────────

-- One datagram, or a whole batch: what the kernel cuts for the network (GSO) and joins again (GRO) is captured uncut,
-- on the loopback interface always. The next one begins where this one must end, and has the same token.
function extension.pdu(packet, tvb)
    local whole, infos, at = packet.tree, {}, 0
    while true do
        local one = at > 0 and tvb(at):tvb() or tvb
        local length = extension.length(one)
        local more = length and length + 12 <= one:len() and one:raw(length, 1):find("[DKX]")
            and one:raw(length + 4, 8) == one:raw(4, 8)
        packet.at, packet.length = at, more and length or tvb:reported_len() - at
        if more then one = one(0, length):tvb() end
        if more or at > 0 then packet.tree = whole:add(mboard, one()) end
        infos[#infos + 1] = extension.datagram(packet, one)
        if not more then break end
        at = at + length
    end
    if #infos == 1 then return infos[1] end
    return ("%d datagrams: %s; to %s"):format(#infos, infos[1], infos[#infos])
end

-- The length that a datagram says it has; nil if it does not get as far as that.
function extension.length(tvb)
    local kind = head(tvb, 1)
    if tvb:len() < HEADER[kind] then return nil end
    if kind == "X" then return HEADER.X end
    if kind == "K" then return HEADER.K + RANGE_LENGTH * tvb(2, 2):uint() end
    local size, length, block = tvb(2, 2):uint(), tvb(20, 4):uint(), tvb(24, 4):uint()
    return HEADER.D + math.max(0, math.min(size, length - block * size))
end

function extension.datagram(packet, tvb)
    local tree, kind = packet.tree, head(tvb, 1)
    add(tree, f.kind, tvb, 0, 1):append_text(" (" .. KINDS[kind] .. ")")
    if tvb:len() < HEADER[kind] then
        return KINDS[kind] .. " " .. malformed(tree, ("%d bytes, its header has %d"):format(tvb:len(), HEADER[kind]))
    end
    add(tree, f.token, tvb, 4, 8)
    add(tree, f.exchange, tvb, 12, 4)
    local key = packet.conversation .. " " .. tvb(4, 12):bytes():tohex()
    return extension[kind](packet, tvb, tvb(12, 4):uint(), memory.exchange(key))
end

-- All bytes of the datagram, as little-endian words padded with zeros, add up to all ones. Returns what is wrong, or nil; of
-- a datagram that the capture has cut, nothing can be said.
function extension.damage(packet, tvb, kind)
    local tree, at = packet.tree, HEADER[kind] - 4
    add(tree, f.check, tvb, at, 4)
    if tvb:len() < packet.length then return nil end
    local sum, whole = 0, tvb:len() - tvb:len() % 4
    for word = 0, whole - 4, 4 do
        sum = (sum + tvb(word, 4):le_uint()) % 2 ^ 32
    end
    if whole < tvb:len() then sum = (sum + tvb(whole):le_uint()) % 2 ^ 32 end
    return sum ~= 0xffffffff and malformed(tree, "the check is wrong") or nil
end

-- D | side u8 | block size u16 | token u64 | exchange u32 | sequence u32 | length u32 | block u32 | check u32 | payload
function extension.D(packet, tvb, exchange, known)
    local tree, side = packet.tree, tvb(1, 1):uint()
    local size, sequence = tvb(2, 2):uint(), tvb(16, 4):uint()
    local length, block = tvb(20, 4):uint(), tvb(24, 4):uint()
    add(tree, f.side, tvb, 1, 1)
    add(tree, f.block_size, tvb, 2, 2)
    add(tree, f.sequence, tvb, 16, 4)
    add(tree, f.length, tvb, 20, 4)
    add(tree, f.index, tvb, 24, 4, UInt64(block))
    if not SIDES[side] then return "data " .. malformed(tree, "neither request nor response: " .. side) end
    if size < MIN_BLOCK then
        return "data " .. malformed(tree, ("blocks of %d bytes, less than %d"):format(size, MIN_BLOCK))
    end
    local blocks = math.max(1, math.ceil(length / size))
    link(tree, f.blocks, UInt64(blocks))
    local info = ("data %d of %d, %s of exchange %d"):format(block, blocks, SIDES[side], exchange)
    if block >= blocks then return info .. " " .. malformed(tree, "there is no such block") end
    local present, expected = packet.length - HEADER.D, extension.length(tvb) - HEADER.D
    if present ~= expected then
        return info .. " " .. malformed(tree, ("%d bytes of data, not %d"):format(present, expected))
    end
    local damage = extension.damage(packet, tvb, "D")
    if damage then return info .. " " .. damage end
    if (side == 0) ~= packet.to_server then return info .. " " .. malformed(tree, "it goes the wrong way") end
    info = info .. memory.data(packet, known[side], sequence, block)
    if tvb:len() == HEADER.D then return info end
    local item = add(tree, f.data, tvb, HEADER.D)
    if block > 0 then return info end
    local inner, whole = tvb(HEADER.D):tvb(), blocks == 1 and not cut_short
    local begins
    if side == 0 then
        begins, known.asked = board.request(packet, item, inner)
    else
        begins = board.response(item, inner, known.asked, whole)
    end
    memory.first_block(packet, known, side)
    return info .. ": " .. begins .. (whole and "" or " …")
end

-- K | side u8 | ranges u16 | token u64 | exchange u32 | largest u32 | delay u32 | cumulative u32 | window u32 | check u32
--   | ranges
function extension.K(packet, tvb, exchange, known)
    local tree, side, count = packet.tree, tvb(1, 1):uint(), tvb(2, 2):uint()
    local cumulative = tvb(24, 4):uint()
    add(tree, f.side, tvb, 1, 1)
    add(tree, f.ranges, tvb, 2, 2)
    add(tree, f.largest, tvb, 16, 4)
    add(tree, f.delay, tvb, 20, 4)
    add(tree, f.cumulative, tvb, 24, 4)
    add(tree, f.window, tvb, 28, 4)
    if not SIDES[side] then return "ack " .. malformed(tree, "of neither request nor response: " .. side) end
    local ranges, bad = {}, nil
    local shown = math.min(tvb:len(), HEADER.K + RANGE_LENGTH * math.min(count, MAX_RANGES))
    for at = HEADER.K, shown - RANGE_LENGTH, RANGE_LENGTH do
        local first, ending = tvb(at, 4):uint(), tvb(at + 4, 4):uint()
        add(tree, f.first, tvb, at, 4)
        add(tree, f.ending, tvb, at + 4, 4)
        ranges[#ranges + 1] = ("[%d,%d)"):format(first, ending)
        if first >= ending or first <= cumulative then bad = ranges[#ranges] end
    end
    local info = ("ack 0..%d%s, %s of exchange %d"):format(cumulative,
        #ranges > 0 and " + " .. show(ranges, " ", true) or "", SIDES[side], exchange)
    if count > MAX_RANGES then
        return info .. " " .. malformed(tree, ("%d ranges, more than %d"):format(count, MAX_RANGES))
    end
    if packet.length ~= extension.length(tvb) then
        return info .. " " .. malformed(tree, ("%d bytes, not %d"):format(packet.length, extension.length(tvb)))
    end
    local damage = extension.damage(packet, tvb, "K")
    if damage then return info .. " " .. damage end
    if (side == 0) == packet.to_server then return info .. " " .. malformed(tree, "it goes the wrong way") end
    if bad then return info .. " " .. malformed(tree, "no range beyond the others: " .. bad) end
    memory.ack(packet, known[side], tvb(16, 4):uint())
    return info
end

-- X | reason u8 | 2 zero bytes | token u64 | exchange u32 | check u32
function extension.X(packet, tvb, exchange)
    local tree, reason = packet.tree, tvb(1, 1):uint()
    add(tree, f.reason, tvb, 1, 1)
    local info = ("refuse exchange %d: %s"):format(exchange, REASONS[reason] or "reason " .. reason)
    local damage = extension.damage(packet, tvb, "X")
    if damage then return info .. " " .. damage end
    if not REASONS[reason] then return info .. " " .. malformed(tree, "unknown reason") end
    if tvb(2, 2):uint() ~= 0 or packet.length ~= HEADER.X then
        return info .. " " .. malformed(tree, "more in it than a refusal has")
    end
    tree:add_proto_expert_info(e.refused, REASONS[reason])
    return info
end

-- ── what is remembered between packets ──────────────────────────────────────────────────────────────────────────────────
-- It is filled when the capture is read for the first time, in its order, and only looked up when a packet is shown again.

local requests, answered_in, seen, exchanges

function mboard.init()
    requests, answered_in, seen, exchanges = {}, {}, {}, {}
end

-- Clients ask one thing at a time, so the last request of a conversation is the one that is answered.
function memory.request(packet, part, asked, pdu)
    local key, pinfo = packet.conversation .. " " .. part, packet.pinfo
    local this = key .. " " .. pinfo.number
    if not pinfo.visited then
        local last = requests[key]
        seen[this] = last and not last.answered and last.pdu == pdu and last.frame or nil
        requests[key] = { frame = pinfo.number, time = pinfo.rel_ts, asked = asked, pdu = pdu }
    end
    if answered_in[this] then link(packet.tree, f.response_in, answered_in[this]) end
    return seen[this] and memory.again(packet.tree, seen[this], "the same request, not answered yet") or ""
end

function memory.response(packet, part)
    local key, pinfo = packet.conversation .. " " .. part, packet.pinfo
    local this = key .. " " .. pinfo.number
    if not pinfo.visited and requests[key] then
        seen[this] = requests[key]
        requests[key].answered = true
        answered_in[key .. " " .. requests[key].frame] = pinfo.number
    end
    local request = seen[this]
    if not request then return nil end
    link(packet.tree, f.response_to, request.frame)
    link(packet.tree, f.response_time, interval(pinfo.rel_ts - request.time))
    if request.asked then link(packet.tree, f.request, KINDS[request.asked] or request.asked) end
    return request.asked
end

function memory.exchange(key)
    exchanges[key] = exchanges[key]
        or { [0] = { sequences = {}, blocks = {} }, [1] = { sequences = {}, blocks = {} }, first = {} }
    return exchanges[key]
end

-- A datagram that the network doubled has its sequence twice; a block that its sender repeats has a new one.
function memory.data(packet, direction, sequence, block)
    local pinfo = packet.pinfo
    local this = ("%s data %d %d"):format(packet.conversation, pinfo.number, packet.at)
    if not pinfo.visited then
        local double, earlier = direction.sequences[sequence], direction.blocks[block]
        seen[this] = double and { double.frame, "the same datagram" } or earlier and { earlier, "the same block" }
        if not double then direction.sequences[sequence] = { frame = pinfo.number, time = pinfo.rel_ts } end
        direction.blocks[block] = earlier or pinfo.number
    end
    return seen[this] and memory.again(packet.tree, seen[this][1], seen[this][2]) or ""
end

function memory.ack(packet, direction, largest)
    local data = direction.sequences[largest]
    if not data or data.frame > packet.pinfo.number then return end
    link(packet.tree, f.acked, data.frame)
    link(packet.tree, f.round_trip, interval(packet.pinfo.rel_ts - data.time))
end

function memory.first_block(packet, known, side)
    local pinfo, first = packet.pinfo, known.first
    first[side] = first[side] or { frame = pinfo.number, time = pinfo.rel_ts }
    if side == 0 and first[1] then link(packet.tree, f.response_in, first[1].frame) end
    if side == 1 and first[0] then
        link(packet.tree, f.response_to, first[0].frame)
        link(packet.tree, f.response_time, interval(pinfo.rel_ts - first[0].time))
    end
end

function memory.again(tree, frame, what)
    link(tree, f.again_of, frame)
    tree:add_proto_expert_info(e.again, ("%s as in frame %d"):format(what, frame))
    return " (again)"
end

-- ── small things ────────────────────────────────────────────────────────────────────────────────────────────────────────

-- Adds a field, up to the end without a length. The caller has seen that the bytes are there: any may be missing.
function add(tree, field, tvb, offset, length, value)
    local range = tvb(offset, length or tvb:len() - offset)
    if value ~= nil then return tree:add(field, range, value) end
    return tree:add_packet_field(field, range, field == f.text and ENC_UTF_8 or ENC_BIG_ENDIAN)
end

-- Adds what is not in the bytes.
function link(tree, field, value)
    tree:add(field, value):set_generated()
end

function malformed(tree, why)
    if cut_short then return "cut short by the capture" end
    tree:add_proto_expert_info(e.malformed, why)
    return "malformed: " .. why
end

function head(tvb, length)
    return tvb:raw(0, math.min(tvb:len(), length or READ_AT_MOST))
end

-- Decimal digits; what is more than 64 bits counts as the most that these hold, as with the server. nil gives nil.
function decimal(written)
    local digits = written and written:match("^0*(%d+)$")
    if not digits then return nil end
    if #digits > 20 or (#digits == 20 and digits > "18446744073709551615") then return UInt64.max() end
    local value = UInt64(0)
    for group in digits:gmatch("%d%d?%d?%d?%d?%d?%d?%d?") do
        value = value * UInt64(10 ^ #group) + UInt64(tonumber(group))
    end
    return value
end

-- Any bytes as a text in quotes: UTF-8 as it is, everything else escaped.
function text(bytes)
    local out, at = {}, 1
    while at <= #bytes and #out < TEXT_AT_MOST do
        local one = bytes:match("^[\32-\126]", at) or bytes:match("^[\195-\223][\128-\191]", at)
            or bytes:match("^[\225-\236\238\239][\128-\191][\128-\191]", at) or bytes:match("^\194[\160-\191]", at)
            or bytes:match("^[\241-\243][\128-\191][\128-\191][\128-\191]", at)
            or bytes:match("^\240[\144-\191][\128-\191][\128-\191]", at)
        if one == '"' or one == "\\" then
            out[#out + 1] = "\\" .. one
        elseif one then
            out[#out + 1] = one
        else
            out[#out + 1] = bytes:sub(at, at) == "\n" and "\\n" or ("\\x%02x"):format(bytes:byte(at))
        end
        at = at + (one and #one or 1)
    end
    return '"' .. table.concat(out) .. (at <= #bytes and "…" or "") .. '"'
end

function interval(seconds)
    local whole = math.floor(seconds)
    return NSTime(whole, math.floor((seconds - whole) * 1e9))
end

function plural(count, what)
    return ("%s %s%s"):format(count, what, tostring(count) == "1" and "" or "s")
end

function show(list, between, whole)
    local shown = table.concat(list, between, 1, math.min(#list, SHOW_AT_MOST))
    return shown .. ((#list > SHOW_AT_MOST or not whole) and " …" or "")
end

-- ── the ports ───────────────────────────────────────────────────────────────────────────────────────────────────────────

local registered = ""

local function register()
    local ports = mboard.prefs.ports
    for table_name, protocol in pairs { ["udp.port"] = mboard, ["tcp.port"] = over_tcp } do
        local table_of_ports = DissectorTable.get(table_name)
        if registered ~= "" then table_of_ports:remove(registered, protocol) end
        if ports ~= "" then table_of_ports:add(ports, protocol) end
    end
    registered = ports
end

DissectorTable.get("udp.port"):add_for_decode_as(mboard)
DissectorTable.get("tcp.port"):add_for_decode_as(over_tcp)
mboard.prefs_changed = register
register()
