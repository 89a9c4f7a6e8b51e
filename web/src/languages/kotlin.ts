import { indentUnit, StreamLanguage } from '@codemirror/language';
import { kotlin } from '@codemirror/legacy-modes/mode/clike';
import { words } from './words';

const keywords =
    'abstract annotation as break by catch class companion const constructor continue data do else enum false final finally for fun get ' +
    'if import in infix init inline inner interface internal is lateinit null object open operator out override package private ' +
    'protected public return sealed set super suspend tailrec this throw true try typealias val var vararg when where while';
const names =
    'println print readln readLine String Int Long Double Boolean Char Any Unit List MutableList Map MutableMap Set MutableSet Pair Triple ' +
    'Array IntArray listOf mutableListOf mapOf mutableMapOf setOf arrayOf emptyList buildString repeat require check error run let also ' +
    'apply with map filter forEach fold reduce sum sumOf maxOf minOf sorted sortedBy groupBy associateWith joinToString split toInt ' +
    'toString size first last indices until downTo step to main';

export const pack = () => [StreamLanguage.define(kotlin), words(keywords, names), indentUnit.of('    ')];
