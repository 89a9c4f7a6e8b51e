import { StreamLanguage } from '@codemirror/language';
import { ruby } from '@codemirror/legacy-modes/mode/ruby';
import { words } from './words';

const keywords =
    'alias and begin break case class def defined? do else elsif end ensure false for if in module next nil not or redo rescue retry ' +
    'return self super then true undef unless until when while yield __method__';
const names =
    'puts print p pp gets require require_relative attr_accessor attr_reader attr_writer raise loop lambda proc format printf rand sleep ' +
    'exit each each_with_index each_with_object map flat_map select reject reduce inject sum min max sort sort_by group_by partition zip ' +
    'times upto downto step length size push pop shift unshift first last reverse join split include? empty? nil? to_s to_i to_f to_a ' +
    'to_sym upcase downcase capitalize strip chomp gsub sub match scan freeze Struct Comparable Enumerable Hash Array String Integer';

export const pack = () => [StreamLanguage.define(ruby), words(keywords, names)];
