import { StreamLanguage } from '@codemirror/language';
import { r } from '@codemirror/legacy-modes/mode/r';
import { words } from './words';

const keywords = 'if else repeat while function for next break TRUE FALSE NULL NA NaN Inf in return library';
const names =
    'c print cat paste paste0 sprintf format nchar substr toupper tolower strsplit gsub sub grepl readLines readline scan length seq ' +
    'seq_len seq_along rep rev sort order unique which any all sum prod mean median var sd min max range round floor ceiling sqrt exp log ' +
    'abs matrix dim nrow ncol t apply lapply sapply vapply mapply Map Filter Reduce do.call list data.frame names factor levels table ' +
    'head tail str summary merge aggregate is.na is.null stop warning tryCatch invisible set.seed runif rnorm sample quit commandArgs';

export const pack = () => [StreamLanguage.define(r), words(keywords, names)];
