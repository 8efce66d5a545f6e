-- wrk script: rotates over a file of tokens, one per line, and reports as one line of JSON.
-- Arguments: FILE OFFSET METHOD_AND_URI ("-" or what goes into X-Forwarded-Uri)
local tokens, count, at = {}, 0, 0
local head, tail = "", ""

function init(args)
  for line in io.lines(args[1]) do
    count = count + 1
    tokens[count] = line
  end
  at = tonumber(args[2]) % count
  local lines = { "GET " .. wrk.path .. " HTTP/1.1", "Host: 127.0.0.1:" .. wrk.port, "Accept: */*", "User-Agent: wrk" }
  if args[3] ~= "-" then
    lines[#lines + 1] = "X-Forwarded-Method: GET"
    lines[#lines + 1] = "X-Forwarded-Uri: " .. args[3]
  end
  head = table.concat(lines, "\r\n") .. "\r\nAuthorization: Bearer "
  tail = "\r\n\r\n"
end

function request()
  at = at % count + 1
  return head .. tokens[at] .. tail
end

function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format(
    'RESULT {"requests":%d,"us":%d,"bytes":%d,"status":%d,"socket":%d,"timeout":%d,"p50":%d,"p99":%d}\n',
    summary.requests, summary.duration, summary.bytes, e.status, e.connect + e.read + e.write, e.timeout,
    latency:percentile(50), latency:percentile(99)))
end
