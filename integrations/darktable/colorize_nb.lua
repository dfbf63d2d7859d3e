--[[ darktable: a target for exports, "colorize (keeps lightness)". Each photo is exported as darktable shows it, the command `colorize`
puts its colours in, and the result lies beside the original as NAME-color, in the same group. The colours are made by that command. ]]
local dt = require 'darktable'

local MODULE = 'colorize_nb'
local READS = {tif=true, png=true, jpg=true, webp=true, jp2=true, avif=true} -- formats of darktable that the command reads
local NOT_FOUND = 'the command colorize is not found: install colorize_nb, or give its path in the preferences (Lua options)'
local windows = dt.configuration.running_os == 'windows'
local window = dt.configuration.has_gui -- none in darktable-cli, where registering a preference would wait for ever
local chosen = {command = '', vivid = 0, strength = 1} -- counts without a window
local sliders = {} -- in the export panel

-- Return an option: as the preferences or the export panel have it
local function value(option)
  if not window then return chosen[option] end
  return sliders[option] and sliders[option].value or dt.preferences.read(MODULE, option, 'string')
end

-- Return a number as the command reads it, in every language
local function number(n)
  return (string.format('%.2f', n):gsub(',', '.'))
end

local function quoted(text)
  if windows then return '"' .. text:gsub('"', '') .. '"' end -- no name on Windows has that character
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

local function exists(path)
  local file = io.open(path, 'rb')
  if file then file:close() end
  return file ~= nil
end

-- Return the path of the command: as it was given, or where pipx and uv install it, which a desktop's PATH may lack
local function find_command()
  local given = value('command')
  if given ~= '' then return given end
  local home = os.getenv(windows and 'USERPROFILE' or 'HOME') or ''
  local usual = home .. (windows and '\\.local\\bin\\colorize.exe' or '/.local/bin/colorize')
  return exists(usual) and usual or 'colorize'
end

-- Return the name of a result that is not there yet
local function free_name(folder, stem, extension)
  local base = folder .. (windows and '\\' or '/') .. stem .. '-color'
  local name, n = base .. '.' .. extension, 1
  while exists(name) do
    name, n = base .. '_' .. n .. '.' .. extension, n + 1
  end
  return name
end

local function last_line(path)
  local last = ''
  local file = io.open(path, 'rb')
  if not file then return last end
  for line in file:lines() do
    if line:match('%S') then last = line:gsub('%s+$', '') end
  end
  file:close()
  return last
end

-- Run a line of the shell; returns its exit status
local function execute(line)
  if not window then return select(3, os.execute(line)) end -- darktable-cli would end meanwhile
  local status = dt.control.execute(line) -- other scripts run meanwhile
  return status > 255 and status // 256 or status
end

-- Run the command; returns nil, or why it failed in one line
local function colorize(from, to)
  local said = os.tmpname()
  local words = {quoted(find_command()), quoted(from), '-o', quoted(to), '--quiet'}
  for _, option in ipairs {'vivid', 'strength'} do
    words[#words + 1] = '--' .. option .. '=' .. number(value(option))
  end
  local line = table.concat(words, ' ') .. ' 2> ' .. quoted(said)
  if windows then line = '"' .. line .. '"' end -- cmd.exe takes the outer quotes off
  local status = execute(line)
  local why = last_line(said)
  os.remove(said)
  if status == 0 and exists(to) then return nil end
  if status == 127 or status == 9009 then return NOT_FOUND end
  return why ~= '' and why or 'colorize ended with status ' .. tostring(status)
end

-- darktable calls this for each photo, with the file that it has exported
local function store(storage, image, format, exported, number, total, high_quality, done)
  local to = free_name(image.path, image.filename:gsub('%.[^.]*$', ''), exported:match('%.([^.]*)$'))
  local why = colorize(exported, to)
  os.remove(exported)
  if why then
    done.failed = (done.failed or 0) + 1
    done.why = image.filename .. ': ' .. why
    dt.print_error(MODULE .. ': ' .. done.why)
    dt.print(done.why)
    return
  end
  done.colored = (done.colored or 0) + 1
  dt.database.import(to):group_with(image)
end

local function finalize(storage, images, done)
  for option, slider in pairs(sliders) do dt.preferences.write(MODULE, option, 'string', number(slider.value)) end
  local text = string.format('%d colorized', done.colored or 0)
  if done.failed then text = text .. string.format(', %d failed: %s', done.failed, done.why) end
  dt.print(text)
end

local function supported(storage, format) return READS[format.extension] == true end

-- Add a slider; it begins where it was at the last export
local function add_slider(option, most, tooltip)
  sliders[option] = dt.new_widget('slider') {
    label = option, tooltip = tooltip, soft_min = 0, hard_min = 0, soft_max = most, hard_max = most, step = 0.05, digits = 2,
    value = tonumber(dt.preferences.read(MODULE, option, 'string')) or chosen[option]
  }
  return sliders[option]
end

local panel
if window then
  dt.preferences.register(MODULE, 'command', 'string', 'colorize: path of the command', 'empty: search for it', '')
  panel = dt.new_widget('box') {
    orientation = 'vertical',
    add_slider('vivid', 1, 'from natural, 0, to vivid, 1: more colour, more mistakes'),
    add_slider('strength', 3, 'amount of colour; 1 is the usual')
  }
end
dt.register_storage(MODULE, 'colorize (keeps lightness)', store, finalize, supported, nil, panel)

return {store = store, finalize = finalize, supported = supported, chosen = chosen}
