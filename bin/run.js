#!/usr/bin/env node
import '../dist/bundle/tcpscope.js';
