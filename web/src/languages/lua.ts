import { StreamLanguage } from '@codemirror/language';
import { lua } from '@codemirror/legacy-modes/mode/lua';
import { words } from './words';

const keywords = 'and break do else elseif end false for function goto if in local nil not or repeat return then true until while';
const names =
    'print io io.read io.write io.lines ipairs pairs next select type tostring tonumber assert error pcall xpcall require rawget rawset ' +
    'setmetatable getmetatable string string.format string.sub string.rep string.find string.match string.gmatch string.gsub ' +
    'string.byte string.char string.upper string.lower string.reverse table table.insert table.remove table.concat table.sort ' +
    'table.unpack math math.floor math.ceil math.max math.min math.sqrt math.random math.huge math.pi os.time os.clock os.date os.exit';

export const pack = () => [StreamLanguage.define(lua), words(keywords, names)];
