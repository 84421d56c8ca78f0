// Copyright 2026 the @concurrent/parallel authors. MIT license.

import { answerCalls } from "../rings.js";

self.onmessage = ({ data }) => answerCalls(data);
